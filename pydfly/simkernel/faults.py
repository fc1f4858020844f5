"""Errors that no kernel gives: the simulated machine crashed, or was asked for something that cannot happen."""

from __future__ import annotations


class KernelPanic(RuntimeError):
    """The simulated kernel panicked, where the real one does: every later call to this kernel raises it again."""


class SimulationError(RuntimeError):
    """The program that drives the simulation did what no real program can do.

    A dead process was told to act, or a wait was begun that nothing could ever end.
    """
