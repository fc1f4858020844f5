"""Start the command: what happens in the child between fork and exec, in the order of CPython's _posixsubprocess.c.

The warden has one thread, so Python code is safe there.  Opening, changing directory and executing can block for ever
on a dead file system: only the child waits for them, and the warden reads the outcome from a pipe when there is one.
"""

from __future__ import annotations

import errno
import marshal
import os
from fcntl import F_DUPFD_CLOEXEC, fcntl

from .execve import execute
from .own_process import die_with_parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..launch import Launch
    from .mailbox import Mailbox

    Failure = tuple[str, int | None, str, str | None]

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR)
LONGEST_PATH = 2000  # bytes of a path in an error, so that the error goes through a pipe in one piece


def start(
    launch: Launch,
    mailbox: Mailbox,
    leave: Callable[[], None],
    descriptors: dict[int, int],
    cwd_descriptor: int | None,
    watch: Callable[[int], object] | None = None,
) -> tuple[int, int]:
    """Fork the command, and do not wait for its exec.

    Args:
        launch: what to start.
        mailbox: gives the command the signals as they were.
        leave: called in this process after the fork and before the exec, to leave the session of the owner.  Before
            the fork, the command would not be forked into that session.  After the exec, a signal of the command to
            its process group could end both.
        descriptors: which descriptor of this process is to have which number in the command; a standard descriptor
            that is not among the numbers is closed there.
        cwd_descriptor: the directory that ``launch.cwd`` is relative to; None for the current one.
        watch: called before the fork with the descriptor that is returned.

    Returns:
        The pid, and a non-blocking descriptor to read until its end: ``outcome`` knows what it tells.

    Raises:
        OSError: EAGAIN or ENOMEM of fork(2), EMFILE or ENFILE of pipe(2); nothing was started.
    """
    child = Child(launch, mailbox, descriptors, cwd_descriptor, os.getpid())
    ends = [*os.pipe()]
    try:
        told, tell = os.pipe()
        ends.append(tell)
        try:
            os.set_blocking(told, False)
            if watch:
                watch(told)
            moved = child.make_room(tell)
            ends += [moved] if moved != tell else []
            mailbox.note_early()
            pid = os.fork()
        except BaseException:
            os.close(told)
            raise
        if pid == 0:
            child.become(ends[0], ends[1], moved)
        leave()
        os.write(ends[1], b"!")
    finally:
        for end in ends:
            os.close(end)
    return pid, told


def outcome(data: bytes) -> Failure | None:
    """Read what ``start``'s descriptor told: None for an exec, else (class name, errno, text, path) of the error."""
    if not data:
        return None  # exec has closed the other end
    try:
        name, number, text, path = marshal.loads(data)  # noqa: S302  the child wrote it
    except (ValueError, EOFError, TypeError):
        return "RuntimeError", None, "the child was killed while it told why it could not be the command", None
    return name, number, text, path


def _candidates(launch: Launch) -> list[bytes]:
    """Return the files to try."""
    program = launch.command[0]
    if b"/" in program:
        return [program]
    path = launch.env.get(b"PATH", os.fsencode(os.defpath))
    return [os.path.join(directory, program) for directory in path.split(b":")]


class Child:
    """The forked child, until it is the command.

    Args: those of ``start``, and the pid of the parent.
    """

    def __init__(
        self,
        launch: Launch,
        mailbox: Mailbox,
        descriptors: dict[int, int],
        cwd_descriptor: int | None,
        warden: int,
    ) -> None:
        self._launch = launch
        self._mailbox = mailbox
        self._places = descriptors
        self._closed = [number for number in (0, 1, 2) if number not in descriptors]
        self._cwd = cwd_descriptor
        self._tell = -1
        self._warden = warden
        self._candidates = _candidates(launch)
        self._path: bytes | None = None  # what an error is about

    def make_room(self, tell: int) -> int:
        """Move every descriptor whose number is wanted for another one out of the way, before the fork.

        So each can be copied to its place, and a cycle (1 to 2, 2 to 1) needs no case of its own.

        Returns:
            The descriptor for errors, or a copy of it.
        """
        if self._cwd is not None:
            self._cwd = self._out_of_the_way(self._cwd)
        for number, source in self._places.items():
            if source != number:
                self._places = {**self._places, number: self._out_of_the_way(source)}
        return self._out_of_the_way(tell)

    def become(self, hold: int, go: int, tell: int) -> None:
        """Be the command as soon as ``hold`` can be read, and tell an error; never returns."""
        self._tell = tell
        try:
            os.close(go)
            if os.read(hold, 1):  # else the warden is dead
                self._prepare()
                self._path = self._launch.command[0]
                self._execute()
        except BaseException as error:  # whatever it is, no Python of the warden may go on in this process
            self._report(error)
        finally:
            os._exit(127)

    def _prepare(self) -> None:
        for number, source in self._places.items():
            if source == number:
                os.set_inheritable(number, True)
            else:
                os.dup2(source, number)
        for number in self._closed:
            os.closerange(number, number + 1)
        self._change_directory()
        launch = self._launch
        if launch.umask >= 0:
            os.umask(launch.umask)
        if launch.start_new_session:
            os.setsid()
        if launch.process_group is not None and launch.process_group >= 0:
            os.setpgid(0, launch.process_group)
        if launch.extra_groups is not None:
            os.setgroups(launch.extra_groups)
        if launch.group is not None:
            os.setregid(launch.group, launch.group)
        if launch.user is not None:
            os.setreuid(launch.user, launch.user)
        if launch.pdeathsig:  # after the user was changed, which clears it
            die_with_parent(launch.pdeathsig, self._warden)
        if launch.hand_listening:
            launch.set_variable(b"LISTEN_PID", b"%d" % os.getpid())
        self._mailbox.restore()

    def _out_of_the_way(self, descriptor: int) -> int:
        """Return a descriptor for the same file whose number will not be overwritten."""
        lowest = 3
        while descriptor in self._places or descriptor < 3:
            descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, lowest)
            lowest = descriptor + 1  # a copy with a wanted number is overwritten later, and blocks it until then
        return descriptor

    def _change_directory(self) -> None:
        if self._cwd is not None:
            try:
                os.fchdir(self._cwd)
            except PermissionError:  # staying in the same directory needs no permission
                if not os.path.samestat(os.fstat(self._cwd), os.stat(".")):
                    raise
        if self._launch.cwd is not None:
            self._path = self._launch.cwd
            os.chdir(self._launch.cwd)
            self._path = None
        if self._launch.chroot is not None:
            self._path = self._launch.chroot
            os.chroot(self._launch.chroot)
            os.chdir("/")  # the old one may lie outside
            self._path = None

    def _execute(self) -> None:
        """Execute the program, looked for in the $PATH of its own environment.

        A refusal counts more than an absence, so that "permission denied" is not hidden by "no such file" in a later
        directory: the first errno that is neither ENOENT nor ENOTDIR is raised.
        """
        for program in self._candidates:
            if os.access(program, os.F_OK):  # quicker than attempts that fail, each with an exception
                try:
                    self._execute_file(program)
                except OSError:  # the loop below decides which one counts
                    break
        refused: OSError | None = None
        last: OSError | None = None
        for program in self._candidates:
            try:
                self._execute_file(program)
            except OSError as error:
                last = error
                if error.errno not in _NOT_THERE:
                    refused = refused or error
        raise refused or last or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _execute_file(self, program: bytes) -> None:
        launch = self._launch
        if not launch.command[0]:  # os.execve() takes no empty word there; the file is a directory in any case
            os.stat(program)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        execute(program, launch)

    def _report(self, error: BaseException) -> None:
        path = None if self._path is None else os.fsdecode(self._path[:LONGEST_PATH])
        if isinstance(error, OSError):
            failure = type(error).__name__, error.errno, os.strerror(error.errno or 0), path
        else:
            failure = type(error).__name__, None, str(error)[:LONGEST_PATH], None
        os.write(self._tell, marshal.dumps(failure))
