"""The C module below signal, for type checkers: the same names, but plain ints, as no enum has to be made of each."""

from signal import *  # noqa: F403
