"""The arguments of ``supervise()``: their types, and checks of each as ``subprocess.Popen`` makes them.

What comes out is plain, of exactly the builtin types: marshal takes no subclass of them.
"""

from __future__ import annotations

import _signal  # signal itself makes enums of everything, at each call
import math
import operator
import os
import sys

from ..ending.policy import MODES
from .launch import variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import IO, Any, Literal, TypedDict

    from ..structs import DescendantInfo

    Word = str | bytes | os.PathLike[str] | os.PathLike[bytes]
    File = int | IO[bytes] | IO[str] | None
    Spare = Callable[[DescendantInfo], object]
    KillMode = Literal["mixed", "everyone"]

    class Arguments(TypedDict, total=False):
        """What ``supervise()`` takes besides the command and the interpreter."""

        grace: float
        stop_signal: int
        kill_mode: KillMode
        timeout: float | None
        wait_all: bool
        pdeathsig: int | None
        spare: Spare | None
        env: Mapping[str, str] | Mapping[bytes, bytes] | None
        cwd: Word | None
        stdin: File
        stdout: File
        stderr: File
        pass_fds: Iterable[int]
        user: str | int | None
        group: str | int | None
        extra_groups: Iterable[str | int] | None
        umask: int
        process_group: int | None
        start_new_session: bool


_LARGEST_DESCRIPTOR = 2**31 - 1
_LARGEST_ID = 2**32 - 1


def signal_number(signal: int) -> int:
    """Check a signal that a caller names; TypeError: no integer; ValueError: this system has no such signal."""
    number = operator.index(signal)
    if number not in _signal.valid_signals():  # signal's own makes enums of all of them
        raise ValueError(f"{signal!r} is no signal")
    return number


def signal_name(number: int) -> str:
    """Return the name of a signal; real-time signals have none of their own in every Python."""
    try:
        from signal import Signals

        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def seconds(value: float, name: str = "grace") -> float:
    """Check a duration that a caller names; TypeError: no number; ValueError: negative, infinite or not a number."""
    if not math.isfinite(value) or value < 0:  # a string is a TypeError here
        raise ValueError(f"{name} is a number of seconds, not {value!r}")
    return float(value)


def words_of(command: Iterable[Word]) -> list[Word]:
    """Return the words of a command, as the caller has written them; TypeError: one string; ValueError: none."""
    if isinstance(command, (str, bytes, os.PathLike)):
        raise TypeError("command is a list of words, not one string: no shell takes it apart")
    words = list(command)
    if not words:
        raise ValueError("command is empty")
    return words


def word_of(word: Word) -> bytes:
    """Return the bytes that the kernel gets; TypeError: this is no string or path; ValueError: it has a null byte."""
    return without_null(_encoded(word))


def without_null(plain: bytes) -> bytes:
    """Return bytes that can end up in a string of C; ValueError: there is a null byte."""
    if b"\0" in plain:
        raise ValueError("embedded null byte")
    return plain


def _encoded(word: Word) -> bytes:
    return bytes(memoryview(os.fsencode(word)))


def environment_of(env: Mapping[Any, Any] | None) -> tuple[dict[bytes, bytes], list[bytes] | None]:
    """Return an environment as ``Launch`` has it; the one of this process for None.

    TypeError: a name or value is no string.  ValueError: a name has an equals sign; there is a null byte.
    """
    if env is None:
        return _inherited()
    entries = []
    for key, value in env.items():
        name = _encoded(key)
        if b"=" in name:
            raise ValueError("illegal environment variable name")
        entries.append(name + b"=" + _encoded(value))
    return variables(entries)


_environ: list[Any] = []  # the C library's ``environ``, once it was looked up


def _inherited() -> tuple[dict[bytes, bytes], list[bytes] | None]:
    """Return what a program would inherit: ``os.environ`` does not know what C code has set, as readline does."""
    if sys.platform != "linux":
        return dict(os.environb), None
    if not _environ:
        import ctypes  # loaded in any case: prctl needs it

        _environ.append(ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ"))
    place = _environ[0]
    entries: list[bytes] = []
    while place and (entry := place[len(entries)]) is not None:  # clearenv(3) leaves a null pointer
        entries.append(entry)
    return variables(entries)


def check_path(env: Mapping[Any, Any] | None, program: Word) -> None:
    """Check that it is clear where a program is to be looked for.

    TypeError: it is no string or path.  ValueError: the environment has both 'PATH' and b'PATH'.
    """
    is_looked_for = not os.path.dirname(_encoded(program))
    if is_looked_for and {"PATH", b"PATH"} <= {key for key in env or () if isinstance(key, (str, bytes))}:
        raise ValueError("env cannot contain 'PATH' and b'PATH' keys")


def c_int(value: int) -> int:
    """Return a value that fits C's int; TypeError: no integer; OverflowError: it does not fit."""
    number = operator.index(value)
    if not -(2**31) <= number < 2**31:
        raise OverflowError("Python int too large to convert to C int")
    return number


def flag_of(value: object) -> bool:
    """Return whether something is asked for; before Python 3.12 subprocess takes an integer only (else a TypeError)."""
    return bool(value) if sys.version_info >= (3, 12) else bool(c_int(value))  # type: ignore[arg-type]


def check_passed(numbers: list[int]) -> None:
    """Check descriptors that keep their numbers; ValueError: one cannot be a descriptor."""
    if not all(0 <= number <= _LARGEST_DESCRIPTOR for number in numbers):
        raise ValueError("bad value(s) in fds_to_keep")


def kill_mode_of(mode: str) -> str:
    """Return the way to end a domain; ValueError: there is no such one."""
    if mode not in MODES:
        raise ValueError(f"kill_mode is one of {', '.join(MODES)}, not {mode!r}")
    return str(mode)


def user_of(user: str | int | None) -> int | None:
    """Return the number of a user, which may be too large still.

    KeyError: there is no such name.  TypeError, ValueError: this can be no user.
    """
    if user is None:
        return None
    if isinstance(user, str):
        from pwd import getpwnam

        return getpwnam(user).pw_uid
    if not isinstance(user, int):
        raise TypeError("User must be a string or an integer")
    if user < 0:
        raise ValueError(f"User ID cannot be negative, got {user}")
    return int(user)


def group_of(group: str | int | None) -> int | None:
    """Return the number of a group, which may be too large still.

    KeyError: there is no such name.  TypeError, ValueError: this can be no group.
    """
    if group is None:
        return None
    number = _group_number(group)
    if number < 0:
        raise ValueError(f"Group ID cannot be negative, got {number}")
    return number


def groups_of(groups: Iterable[str | int] | None) -> list[int] | None:
    """Return the numbers of supplementary groups, which may be too large still; errors as for each of them.

    ValueError: it is one string.
    """
    if groups is None:
        return None
    if isinstance(groups, str):
        raise ValueError("Groups must be a list, not a string")  # noqa: TRY004  as subprocess has it
    numbers = [_group_number(group) for group in groups]
    if min(numbers, default=0) < 0:
        raise ValueError(f"Group ID cannot be negative, got {min(numbers)}")
    return numbers


def _group_number(group: object) -> int:
    if isinstance(group, str):
        from grp import getgrnam

        return getgrnam(group).gr_gid
    if not isinstance(group, int):
        raise TypeError(f"Group must be a string or an integer, not {type(group)}")
    return int(group)


def check_ids(user: int | None, group: int | None, groups: list[int] | None) -> None:
    """Check that C's types can hold users and groups; ValueError: one of the groups; OverflowError: user or group."""
    if max(groups or [0]) > _LARGEST_ID:
        raise ValueError("invalid group id")
    if max(group or 0, user or 0) > _LARGEST_ID:
        raise OverflowError("user or group id is greater than maximum")
