"""The title of a daemon in listings of processes: LABEL, or LABEL - TITLE."""

from __future__ import annotations

import sys
from contextlib import suppress

_SHOWN = 15  # bytes of the short name that Linux keeps besides


def set_title(text: str) -> None:
    """Have ps(1) show ``svc: text``, where the system lets it be set; nothing else depends on it."""
    with suppress(Exception):  # ctypes, /proc: whatever is missing
        if sys.platform.startswith("linux"):
            _overwrite_arguments(f"svc: {text}".encode())
            with open("/proc/self/comm", "wb", buffering=0) as comm:
                comm.write(b"svc: " + text.encode()[: _SHOWN - 5])
        else:
            import ctypes

            ctypes.CDLL(None).setproctitle(b"%s", text.encode())


def _overwrite_arguments(title: bytes) -> None:
    """Write over the words that the kernel shows for this process, as setproctitle(3) of others does on Linux.

    They lie between two addresses of the process's own stack.  The program's name and its words are copies already;
    the environment that lies behind them stays untouched.
    """
    import ctypes

    with open("/proc/self/stat", "rb") as file:
        numbers = file.read().rpartition(b")")[2].split()
    start, end = int(numbers[45]), int(numbers[46])  # arg_start and arg_end, proc_pid_stat(5)
    size = end - start
    if size > 1:
        ctypes.memmove(start, title[: size - 1].ljust(size, b"\0"), size)
