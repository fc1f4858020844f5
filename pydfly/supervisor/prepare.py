"""From the arguments of ``supervise()`` to plain values and descriptors: checks as ``subprocess.Popen`` makes them.

Everything that can be refused is refused here, before anything is started, with the exception that Popen raises.
"""

from __future__ import annotations

import operator
import os
import sys

from ..errors import BackendError
from . import arguments, start
from .descriptors import Descriptors
from .launch import Launch
from .post import Post

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import IO, Any

    from .arguments import File, Spare, Word

_PIPE, _STDOUT, _DEVNULL = -1, -2, -3  # subprocess's numbers, without importing it
# a directory is named by a descriptor that needs no permission to read it
_DIRECTORY = os.O_DIRECTORY | getattr(os, "O_PATH", getattr(os, "O_SEARCH", os.O_RDONLY))


class Prepared:
    """What is to be started, with everything that was opened for it.

    Args:
        command, cwd, stdin, stdout, stderr, pass_fds, spare: as ``supervise()`` has them.
        options: its other arguments, but for the interpreter.

    Raises:
        TypeError, ValueError, OverflowError, KeyError, OSError: as ``subprocess.Popen``.
    """

    def __init__(
        self,
        command: Iterable[Word],
        *,
        cwd: Word | None = None,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
        pass_fds: Iterable[int] = (),
        spare: Spare | None = None,
        **options: Any,
    ) -> None:
        words = arguments.words_of(command)
        self.names = (words[0], cwd)
        self.spare = spare
        self.launch = _launch(list(map(arguments.word_of, words)), cwd, spare is not None, **options)
        self.inner = Descriptors()  # for the guard: closed when they were sent
        self._outer = Descriptors()  # of the caller's ends of pipes
        self._pipes: dict[str, int] = {}
        self._files: list[IO[bytes]] = []
        self._standard: list[int | None] = []
        for name, file in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            self._standard.append(self._open(name, file))
        places = self._places(pass_fds)
        self.targets = list(places)
        mine, its = start.pair()
        self.line = Post(mine)
        directory = self.inner.open(".", _DIRECTORY)
        self.sources = [self.inner.copy(its.fileno()), directory, *places.values()]
        its.close()

    def open_pipe(self, name: str, buffering: int = -1) -> IO[bytes] | None:
        """Return a file for the caller's end of a pipe, if one was asked for.

        Args:
            name: ``stdin``, ``stdout`` or ``stderr``.
            buffering: as open() has it.
        """
        number = self._pipes.get(name)
        if number is None:
            return None
        mode = "wb" if name == "stdin" else "rb"
        place = self._outer.numbers.index(number)
        # in one step, so that no exception comes while the number belongs to both or to none: see descriptors.py
        self._files.extend(map(open, map(self._outer.numbers.pop, (place,)), (mode,), (buffering,)))
        return self._files.pop()

    def _open(self, name: str, file: File) -> int | None:
        """Return a descriptor of ours for a standard file of the command; None for the caller's own."""
        if file is None:
            return None
        if not isinstance(file, int):
            return self.inner.copy(operator.index(file.fileno()))
        if file == _PIPE:
            reading, writing = self.inner.pipe()
            mine, its = (writing, reading) if name == "stdin" else (reading, writing)
            self._pipes[name] = mine
            self.inner.move(mine, self._outer)
            return its
        if file == _DEVNULL:
            return self.inner.open(os.devnull, os.O_RDWR)
        if file == _STDOUT:
            if name != "stderr":
                raise ValueError("STDOUT can only be used for stderr")
            same = self._standard[1]
            return self.inner.copy(same if same is not None else sys.__stdout__.fileno() if sys.__stdout__ else 1)
        if file < 0:
            raise ValueError(f"{name}: {file} is no descriptor")
        return self.inner.copy(int(file))

    def _places(self, pass_fds: Iterable[int]) -> dict[int, int]:
        """Return which descriptor is to have which number in the command."""
        passed = arguments.passed_of(pass_fds)
        places = {number: self.inner.copy(number) for number in passed if number > 2}
        for number, standard in enumerate(self._standard):
            if standard is not None:
                places[number] = standard
            elif _is_open(number) and (os.get_inheritable(number) or number in passed):
                places[number] = self.inner.copy(number)
        return places


def check_backend() -> None:
    """Refuse where there are no processes to supervise.

    The backend of a machine with processes is not made for that: the helpers need less than it (no pidfds, say).

    Raises:
        BackendError: a simulated kernel is in force.
    """
    from ..backends import is_linux

    if is_linux():
        return
    from ..backends import current

    backend = current()
    if not backend.live:
        raise BackendError(f"the {backend.name} backend has no real processes, so there is nothing to supervise")


def _launch(
    words: list[bytes],
    cwd: Word | None,
    spare: bool,
    *,
    env: Mapping[Any, Any] | None = None,
    grace: float = 5.0,
    stop_signal: int = 15,
    kill_mode: str = "mixed",
    timeout: float | None = None,
    wait_all: bool = True,
    pdeathsig: int | None = None,
    user: str | int | None = None,
    group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None,
    umask: int = -1,
    process_group: int | None = None,
    start_new_session: bool = False,
) -> Launch:
    return Launch(
        words,
        env=arguments.environment_of(env),
        cwd=None if cwd is None else arguments.word_of(cwd),
        grace=arguments.seconds(grace),
        stop_signal=arguments.signal_number(stop_signal),
        kill_mode=arguments.kill_mode_of(kill_mode),
        timeout=None if timeout is None else arguments.seconds(timeout, "timeout"),
        wait_all=bool(wait_all),
        pdeathsig=0 if pdeathsig is None else arguments.signal_number(pdeathsig),
        spare=spare,
        group=arguments.group_of(group),
        extra_groups=arguments.groups_of(extra_groups),
        user=arguments.user_of(user),
        umask=arguments.c_int(umask),
        process_group=None if process_group is None else arguments.c_int(process_group),
        start_new_session=bool(start_new_session),
    )


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
