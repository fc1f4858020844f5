"""From the arguments of ``supervise()`` to plain values and descriptors: checks as ``subprocess.Popen`` makes them.

Everything that can be refused is refused here, before anything is started, with the exception that Popen raises.
"""

from __future__ import annotations

import operator
import os
import sys

from ..backends import current, is_linux
from ..errors import BackendError
from . import arguments, start_guard
from .descriptors import Descriptors
from .launch import Launch
from .owner_socket import OwnerSocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import IO, Any

    from .arguments import File, Spare, Word

_STANDARD = ("stdin", "stdout", "stderr")
_PIPE, _STDOUT, _DEVNULL = -1, -2, -3  # subprocess's numbers, without importing it
# a directory is named by a descriptor that needs no permission to read it
_DIRECTORY = os.O_DIRECTORY | getattr(os, "O_PATH", getattr(os, "O_SEARCH", os.O_RDONLY))


class Prepared:
    """What is to be started, with everything that was opened for it.  The arguments are those of ``supervise()``.

    TypeError, ValueError, OverflowError, KeyError, OSError: as ``subprocess.Popen``.
    """

    def __init__(
        self,
        command: Iterable[Word],
        *,
        grace: float = 5.0,
        stop_signal: int = 15,
        kill_mode: str = "mixed",
        timeout: float | None = None,
        wait_all: bool = True,
        pdeathsig: int | None = None,
        spare: Spare | None = None,
        env: Mapping[Any, Any] | None = None,
        cwd: Word | None = None,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
        pass_fds: Iterable[int] = (),
        user: str | int | None = None,
        group: str | int | None = None,
        extra_groups: Iterable[str | int] | None = None,
        umask: int = -1,
        process_group: int | None = None,
        start_new_session: bool = False,
    ) -> None:
        if spare is not None and not callable(spare):
            raise TypeError(f"spare is called with each process, which {spare!r} cannot be")
        self.spare = spare
        self.inner = Descriptors()  # for the guard: closed when they were sent
        self._outer = Descriptors()  # of the caller's ends of pipes
        self._pipes: dict[str, int] = {}
        self._files: list[IO[bytes]] = []
        words = arguments.words_of(command)
        self.names = (words[0], cwd)
        # in the order of Popen: of two mistakes it is the same one that is told
        group = arguments.group_of(group)
        extra_groups = arguments.groups_of(extra_groups)
        user = arguments.user_of(user)
        standard = self._standard_files(stdin, stdout, stderr)
        environment, entries = arguments.environment_of(env)
        arguments.check_path(env, words[0])
        passed = sorted({int(number) for number in pass_fds})
        process_group = None if process_group is None else arguments.c_int(process_group)
        umask = arguments.c_int(umask)
        start_new_session = arguments.flag_of(start_new_session)
        arguments.check_passed(passed)
        plain = [arguments.word_of(word) for word in words]
        arguments.without_null(b"".join(entries or [*environment, *environment.values()]))
        directory = None if cwd is None else arguments.word_of(cwd)
        arguments.check_ids(user, group, extra_groups)
        self.launch = Launch(
            plain,
            env=environment,
            entries=entries,
            cwd=directory,
            grace=arguments.seconds(grace),
            stop_signal=arguments.signal_number(stop_signal),
            kill_mode=arguments.kill_mode_of(kill_mode),
            timeout=None if timeout is None else arguments.seconds(timeout, "timeout"),
            wait_all=bool(wait_all),
            pdeathsig=0 if pdeathsig is None else arguments.signal_number(pdeathsig),
            spare=spare is not None,
            user=user,
            group=group,
            extra_groups=extra_groups,
            umask=umask,
            process_group=process_group,
            start_new_session=start_new_session,
        )
        places = self._places(standard, passed)
        self.targets = list(places)
        self.sources = [self.inner.open(".", _DIRECTORY), *places.values()]
        self.line: OwnerSocket | None = None

    def connect(self, line: OwnerSocket | None = None) -> OwnerSocket:
        """Return the owner's end of the line over which the command is launched, to be kept in ``line``, too.

        ``line`` goes to a warden that waits already; None for a new one, whose other end comes first in ``sources``
        then.  OSError: EMFILE, ENFILE, ENOMEM.
        """
        if line is None:
            mine, its = start_guard.pair()
            line = OwnerSocket(mine)
            with its:
                self.sources.insert(0, self.inner.copy(its.fileno()))
        self.line = line
        return line

    def open_pipe(self, name: str, buffering: int = -1) -> IO[bytes] | None:
        """Return a file for the caller's end of a pipe, if one was asked for.

        ``name`` is ``stdin``, ``stdout`` or ``stderr``; ``buffering`` is as open() has it.
        """
        number = self._pipes.get(name)
        if number is None:
            return None
        mode = "wb" if name == "stdin" else "rb"
        place = self._outer.numbers.index(number)
        # in one step, so that no exception comes while the number belongs to both or to none: see descriptors.py
        self._files.extend(map(open, map(self._outer.numbers.pop, (place,)), (mode,), (buffering,)))
        return self._files.pop()

    def _standard_files(self, *files: File) -> list[int | None]:
        """Open what must be opened, and return descriptors, which need not be open ones; None for the caller's own."""
        numbers: list[int | None] = []
        for name, file in zip(_STANDARD, files, strict=True):
            if file == _STDOUT and name == "stdout":
                raise ValueError("STDOUT can only be used for stderr")
            if file == _STDOUT and name == "stderr":
                same = numbers[1]
                numbers.append(same if same is not None else sys.__stdout__.fileno() if sys.__stdout__ else 1)
            else:
                numbers.append(None if file is None else self._number(name, file))
        return numbers

    def _number(self, name: str, file: int | IO[bytes] | IO[str]) -> int | None:
        if not isinstance(file, int):
            number = operator.index(file.fileno())
            return None if number == _PIPE else number  # -1: no file behind it, so the caller's own, as Popen has it
        if file == _DEVNULL:
            return self.inner.open(os.devnull, os.O_RDWR)
        if file != _PIPE:
            return arguments.c_int(file)
        reading, writing = self.inner.pipe()
        mine, its = (writing, reading) if name == "stdin" else (reading, writing)
        self._pipes[name] = mine
        self.inner.move(mine, self._outer)
        return its

    def _places(self, standard: list[int | None], passed: list[int]) -> dict[int, int]:
        """Return which descriptor of ours is to have which number in the command."""
        places = {number: self.inner.copy(number) for number in passed if number > 2}
        for number, given in enumerate(standard):
            if given is not None:
                places[number] = self.inner.copy(given)
            elif _is_open(number) and (os.get_inheritable(number) or number in passed):
                places[number] = self.inner.copy(number)
        return places


def check_backend() -> None:
    """Refuse where there are no processes to supervise; BackendError: a simulated kernel is in force.

    On a real machine no backend is made for this check: the helpers need less than one (no pidfds, say).
    """
    if is_linux():
        return
    backend = current()
    if not backend.live:
        raise BackendError(f"the {backend.name} backend has no real processes, so there is nothing to supervise")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
