"""From the arguments of ``supervise()`` to a started guard: checks, files, pipes."""

from __future__ import annotations

import os
import socket

from ..errors import BackendError
from . import start
from .launch import Launch
from .passing import Passing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeVar

    from ..structs import DescendantInfo
    from . import File
    from .handle import Handle

    H = TypeVar("H", bound=Handle)

_PIPE, _STDOUT, _DEVNULL = -1, -2, -3  # subprocess's numbers, without importing it
_MODES = {"stdin": "wb", "stdout": "rb", "stderr": "rb"}


def supervise(
    kind: type[H],
    command: Sequence[str | bytes],
    grace: float,
    pdeathsig: int | None,
    spare: Callable[[DescendantInfo], object] | None,
    env: Mapping[str, str] | None,
    cwd: str | bytes | None,
    files: dict[str, File],
    passed: Iterable[int],
) -> H:
    """Check everything, open what must be opened, start the guard."""
    check_backend()
    passed = tuple(passed)
    words = _words(command)
    launch = Launch(
        [os.fsencode(word) for word in words],
        grace=_seconds(grace),
        pdeathsig=_signal_number(pdeathsig),
        env=dict(os.environb) if env is None else {os.fsencode(name): os.fsencode(env[name]) for name in env},
        cwd=None if cwd is None else os.fsencode(cwd),
        spare=spare is not None,
    )
    plumbing = Plumbing(files)
    try:
        targets = {number: inner if inner is not None else number for number, inner in enumerate(plumbing.inner)}
        targets.update((number, number) for number in passed)
        targets = {target: source for target, source in targets.items() if _is_open(source)}
        pid, control = start.guard()
        descriptor = _open_domain(control, launch, targets)
    except BaseException:
        plumbing.close_outer()
        raise
    finally:
        plumbing.close_inner()
    handle = kind(launch, pid, descriptor, spare)
    handle.control = control
    for name, outer in plumbing.outer.items():
        setattr(handle, name, os.fdopen(outer, _MODES[name]))
    return handle


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _open_domain(control: int, launch: Launch, targets: dict[int, int]) -> int:
    """Ask for a domain, and return this end of its line."""
    mine, its = socket.socketpair()
    passing = Passing(os.dup(control))
    with its:
        sources = [its.fileno(), os.open(".", os.O_RDONLY | os.O_CLOEXEC), *targets.values()]
        copies = [os.dup(source) for source in sources]
        os.close(sources[1])
        passing.send(("domain", 1, list(targets), launch.grace), copies)
    passing.close()
    return mine.detach()


def check_backend() -> None:
    """Refuse where there are no processes to supervise.

    Raises:
        BackendError: a simulated kernel is in force.
    """
    from ..backends import current

    backend = current()
    if not backend.live:
        raise BackendError(f"the {backend.name} backend has no real processes, so there is nothing to supervise")


def _words(command: Sequence[str | bytes]) -> list[str | bytes]:
    if isinstance(command, (str, bytes)):
        raise TypeError("command is a list of words, not one string: no shell takes it apart")
    words: list[str | bytes] = [os.fspath(word) for word in command]
    if not words:
        raise ValueError("command is empty")
    if any(b"\0" in os.fsencode(word) for word in words):
        raise ValueError("a word of the command contains a null byte")
    return words


def _signal_number(pdeathsig: int | None) -> int:
    from signal import valid_signals

    if pdeathsig is None:
        return 0
    if pdeathsig not in valid_signals():
        raise ValueError(f"pdeathsig: {pdeathsig!r} is no signal")
    return int(pdeathsig)


def _seconds(grace: float) -> float:
    if not 0 <= grace < float("inf"):
        raise ValueError(f"grace is a number of seconds, not {grace!r}")
    return float(grace)


class Plumbing:
    """The three standard files: what the guard gets, and what the caller keeps of pipes."""

    def __init__(self, files: dict[str, File]) -> None:
        self.inner: list[int | None] = []
        self.outer: dict[str, int] = {}
        self._opened: list[int] = []
        for name, file in files.items():
            self.inner.append(self._open(name, file))

    def close_inner(self) -> None:
        """Close what was opened for the guard only."""
        for descriptor in self._opened:
            os.close(descriptor)

    def close_outer(self) -> None:
        """Close the caller's ends of pipes."""
        for descriptor in self.outer.values():
            os.close(descriptor)

    def _open(self, name: str, file: File) -> int | None:
        if file is None:
            return None
        if not isinstance(file, int):
            return file.fileno()
        if file == _PIPE:
            reading, writing = os.pipe()
            mine, its = (writing, reading) if name == "stdin" else (reading, writing)
            self.outer[name] = mine
            self._opened.append(its)
            return its
        if file == _DEVNULL:
            self._opened.append(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
            return self._opened[-1]
        if file == _STDOUT:
            if name != "stderr":
                raise ValueError(f"STDOUT means something for stderr only, not for {name}")
            return 1 if self.inner[1] is None else self.inner[1]
        if file < 0:
            raise ValueError(f"{name}: {file} is no descriptor")
        return file
