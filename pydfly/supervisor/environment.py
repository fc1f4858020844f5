"""The environment that a program would inherit from this process."""

from __future__ import annotations

import itertools
import os
import sys


def inherited() -> dict[bytes, bytes]:
    """Return what a program would inherit: ``os.environ`` does not know what C code has set, as readline does."""
    if sys.platform != "linux":
        return dict(os.environb)
    import ctypes  # loaded in any case: prctl needs it

    entries = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
    environment: dict[bytes, bytes] = {}
    for entry in itertools.takewhile(
        lambda entry: entry is not None, (entries[number] for number in itertools.count())
    ):
        name, equals, value = entry.partition(b"=")
        if equals:
            environment.setdefault(name, value)  # of two with one name getenv(3) finds the first
    return environment
