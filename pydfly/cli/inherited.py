"""What ``pydfly run`` was started with, before Python changed some of it: the command gets the same."""

from __future__ import annotations

import _signal
import os
import sys

from ..supervisor.launch import variables

_COERCED = (b"C.UTF-8", b"C.utf8", b"UTF-8")  # what Python sets LC_CTYPE to: PEP 538
# parents whose children ignore what they ignore; many others ignore SIGPIPE, and their children do not
_HANDING_ON = {b"ash", b"bash", b"busybox", b"dash", b"ksh", b"mksh", b"sh", b"systemd", b"zsh"}


def environment() -> tuple[dict[bytes, bytes], list[bytes] | None]:
    """Return the environment that this process was started with, as ``Launch`` has it: without Python's LC_CTYPE."""
    env = dict(os.environb)
    env.pop(b"", None)  # of an entry that begins with =
    locale = env.get(b"LC_CTYPE")
    try:
        with open("/proc/self/environ", "rb") as file:
            began, entries = variables(file.read().split(b"\0")[:-1])
    except OSError:
        if locale in _COERCED and list(env)[-1] == b"LC_CTYPE":  # a new variable is the last one
            del env[b"LC_CTYPE"]
        return env, None
    if {**began, b"LC_CTYPE": b""} == {**env, b"LC_CTYPE": b""} and locale in (began.get(b"LC_CTYPE"), *_COERCED):
        return began, entries
    return env, None  # the caller has changed it since


def check_backend() -> None:
    """Refuse a backend without real processes; asked only where one was chosen, as asking takes time."""
    if os.environ.get("PYDFLY_BACKEND") or not sys.platform.startswith(("linux", "dragonfly", "freebsd")):
        from ..supervisor.prepare import check_backend

        check_backend()


def open_descriptors() -> list[int]:
    """Return the numbers of the descriptors that a program executed now would inherit."""
    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = list(range(256))
    return [number for number in numbers if _is_inherited(number)]


def _is_inherited(number: int) -> bool:
    try:
        return os.get_inheritable(number)
    except OSError:
        return False


def ignored_before_python() -> set[int]:
    """Return which of the signals that Python ignores for itself were ignored when it began.

    Python does not keep that, so the parent is looked at: the children of a shell ignore what it ignores.  Under other
    parents the signals are taken as not ignored, which is nearly always right.
    """
    try:
        with open(f"/proc/{os.getppid()}/status", "rb") as file:
            status = dict(line.split(b":\t", 1) for line in file.read().splitlines() if b":\t" in line)
        mask = int(status[b"SigIgn"], 16) if status[b"Name"] in _HANDING_ON else 0
    except (OSError, KeyError, ValueError):
        return set()
    return {number for number in (_signal.SIGPIPE, _signal.SIGXFSZ) if mask >> (number - 1) & 1}
