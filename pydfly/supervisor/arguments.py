"""The arguments of ``supervise()``: their types, and checks of each as ``subprocess.Popen`` makes them.

What comes out is plain, of exactly the builtin types: marshal takes no subclass of them.
"""

from __future__ import annotations

import math
import operator
import os
import signal as signals

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


KILL_MODES = ("mixed", "everyone")
_LARGEST_ID = 2**32 - 1
_LARGEST_DESCRIPTOR = 2**31 - 1


def signal_number(signal: int) -> int:
    """Check a signal that a caller names.

    Raises:
        TypeError: no integer.
        ValueError: this system has no such signal.
    """
    number = operator.index(signal)
    if number not in signals.valid_signals():
        raise ValueError(f"{signal!r} is no signal")
    return number


def signal_name(number: int) -> str:
    """Return the name of a signal; real-time signals have none of their own in every Python."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


def seconds(value: float, name: str = "grace") -> float:
    """Check a duration that a caller names.

    Raises:
        TypeError: no number.
        ValueError: negative, infinite or not a number.
    """
    if not math.isfinite(value) or value < 0:  # a string is a TypeError here
        raise ValueError(f"{name} is a number of seconds, not {value!r}")
    return float(value)


def words_of(command: Iterable[Word]) -> list[Word]:
    """Return the words of a command, as the caller has written them.

    Raises:
        TypeError: it is one string.
        ValueError: it is empty.
    """
    if isinstance(command, (str, bytes, os.PathLike)):
        raise TypeError("command is a list of words, not one string: no shell takes it apart")
    words = list(command)
    if not words:
        raise ValueError("command is empty")
    return words


def word_of(word: Word) -> bytes:
    """Return the bytes that the kernel gets.

    Raises:
        TypeError: this is no string or path.
        ValueError: it has a null byte.
    """
    plain = bytes(memoryview(os.fsencode(word)))
    if b"\0" in plain:
        raise ValueError("embedded null byte")
    return plain


def environment_of(env: Mapping[Any, Any] | None) -> dict[bytes, bytes]:
    """Return an environment; the one of this process for None.

    Raises:
        TypeError: a name or value is no string.
        ValueError: a name has an equals sign, or there is a null byte; or both 'PATH' and b'PATH'.
    """
    if env is None:
        return {word_of(name): word_of(value) for name, value in os.environb.items()}
    if "PATH" in env and b"PATH" in env:
        raise ValueError("env cannot contain 'PATH' and b'PATH' keys")
    plain = {}
    for key, value in env.items():
        name = word_of(key)
        if b"=" in name:
            raise ValueError("illegal environment variable name")
        plain[name] = word_of(value)
    return plain


def user_of(user: str | int | None) -> int | None:
    """Return the number of a user.

    Raises:
        KeyError: there is no such name.
        TypeError, ValueError, OverflowError: this can be no user.
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
    return _id(user)


def group_of(group: str | int | None) -> int | None:
    """Return the number of a group.

    Raises:
        KeyError: there is no such name.
        TypeError, ValueError, OverflowError: this can be no group.
    """
    return None if group is None else _group_number(group)


def _group_number(group: object) -> int:
    if isinstance(group, str):
        from grp import getgrnam

        return getgrnam(group).gr_gid
    if not isinstance(group, int):
        raise TypeError(f"Group must be a string or an integer, not {type(group)}")
    if group < 0:
        raise ValueError(f"Group ID cannot be negative, got {group}")
    return _id(group)


def groups_of(groups: Iterable[str | int] | None) -> list[int] | None:
    """Return the numbers of supplementary groups.

    Raises:
        KeyError: there is no such name.
        TypeError, ValueError, OverflowError: one can be no group, or it is one string.
    """
    if groups is None:
        return None
    if isinstance(groups, str):
        raise ValueError("Groups must be a list, not a string")  # noqa: TRY004  as subprocess has it
    return [_group_number(group) for group in groups]


def _id(number: int) -> int:
    if number > _LARGEST_ID:
        raise OverflowError("user or group id is greater than maximum")
    return int(number)


def c_int(value: int) -> int:
    """Return a value that fits C's int.

    Raises:
        TypeError: no integer.
        OverflowError: it does not fit.
    """
    number = operator.index(value)
    if not -(2**31) <= number < 2**31:
        raise OverflowError("Python int too large to convert to C int")
    return number


def passed_of(pass_fds: Iterable[int]) -> list[int]:
    """Return the descriptors that keep their numbers, in order.

    Raises:
        ValueError: one is no number, or negative.
    """
    numbers = sorted({int(number) for number in pass_fds})
    if numbers and (numbers[0] < 0 or numbers[-1] > _LARGEST_DESCRIPTOR):
        raise ValueError("bad value(s) in fds_to_keep")
    return numbers


def kill_mode_of(mode: str) -> str:
    """Return the way to end a domain.

    Raises:
        ValueError: there is no such one.
    """
    if mode not in KILL_MODES:
        raise ValueError(f"kill_mode is one of {', '.join(KILL_MODES)}, not {mode!r}")
    return str(mode)
