"""``supervise()`` for asyncio: the same names, awaitable.

::

    async with pydfly.aio.supervise(["redis-server", "--daemonize", "yes"]) as service:
        await service.wait_started()
        await service.processes()

No thread and no child watcher is used: the event loop watches the one descriptor of the handle.
"""

from __future__ import annotations

import asyncio

from .supervisor import prepare
from .supervisor.handle import Handle, collect_unwaited

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from .structs import DescendantInfo
    from .supervisor import File
    from .supervisor.handle import Spare
    from .supervisor.launch import Launch
    from .supervisor.report import Step

__all__ = ["Supervised", "supervise"]

_LONGEST_PAUSE = 0.05


def supervise(
    command: Sequence[str | bytes],
    *,
    grace: float = 5.0,
    pdeathsig: int | None = None,
    spare: Spare | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | bytes | None = None,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
    pass_fds: Iterable[int] = (),
) -> Supervised:
    """Run a command as ``pydfly.supervise()`` does, with the same arguments; call it while an event loop runs.

    ``spare`` is a plain function.

    Raises:
        BackendError, OSError, TypeError, ValueError: as there.
        RuntimeError: no event loop is running.
    """
    asyncio.get_running_loop()
    collect_unwaited()
    files = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
    return prepare.supervise(Supervised, command, grace, pdeathsig, spare, env, cwd, files, pass_fds)


class Supervised(Handle):
    """A command under a warden, for one event loop; made by ``supervise()``."""

    def __init__(self, launch: Launch, guard: int, descriptor: int, spare: Spare | None) -> None:
        super().__init__(launch, guard, descriptor, spare)
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._loop.add_reader(descriptor, self._read)

    async def __aenter__(self) -> Supervised:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if not self._told:
                await self.stop()
        except asyncio.CancelledError:
            self.close()  # nobody waits any longer; the warden ends the domain all the same
            raise
        finally:
            self._close_files()
        if kind is None:
            self._raise_failure()

    def close(self) -> None:
        """Let go of the lifeline: the domain is ended, but nobody waits for that."""
        if self._line.descriptor >= 0 and not self._loop.is_closed():
            self._loop.remove_reader(self._line.descriptor)
        super().close()

    async def wait_started(self) -> int:
        """Wait until the command has been executed, and return its process id.

        Raises:
            FileNotFoundError: ENOENT, there is no such program or directory (``filename``).
            PermissionError: EACCES, it must not be executed.
            OSError: ENOEXEC and what else execve(2), fork(2) and chdir(2) give.
            RuntimeError: the warden was killed before.
        """
        await self._until(lambda: self._pid is not None)
        return self._started()

    async def processes(self) -> list[DescendantInfo]:
        """List the living members of the domain and its zombies, parents before their children: a snapshot."""
        self._check_owner()
        question = self._ask_processes()
        await self._until(lambda: question in self._answers)
        return self._answers.pop(question, [])

    async def plan(self) -> list[Step]:
        """Say whom ``stop()`` would signal with what and when, if it were called now; signals nobody."""
        return self._plan(await self.processes())

    async def signal(self, signal: int) -> None:
        """Signal the command; when it has ended, the processes that it left directly to the warden: its daemons.

        Raises:
            OSError: as ``wait_started``.
        """
        await self.wait_started()
        self._line.send(("signal", 0, int(signal)))

    async def stop(self, grace: float | None = None) -> None:
        """End everybody: SIGTERM and SIGCONT, SIGKILL after the grace; come back when nobody is left.

        Args:
            grace: seconds, instead of those given to supervise(); 0 kills at once.  A second call may shorten it.

        Raises:
            SurvivorsError: some could not be ended (``survivors``: pid, name, state, why).
        """
        self._check_owner()
        if not self._over():
            self._line.send(("stop", 0, grace))
        await self._finish()
        self._check_survivors()

    async def wait(self) -> int | None:
        """Wait until the command and everything it started have ended, by themselves or by ``stop()``.

        For a time limit: ``asyncio.wait_for()``; giving up waiting ends nobody.

        Returns:
            The exit status of the command, negative for the signal that ended it; None if nobody knows it.

        Raises:
            OSError: the command could not be started; as ``wait_started``.
            SurvivorsError: some could not be ended.
        """
        await self._finish()
        self._raise_failure()
        self._check_survivors()
        return self.exit_status

    async def _finish(self) -> None:
        await self._until(self._over)
        self.close()
        pause = 0.001
        while not self._collect_guard():
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for messages until the condition holds or none will come."""
        self._receive()
        while not condition() and not self._over():
            await self._news.wait()

    def _read(self) -> None:
        """The descriptor is readable: take the news, and wake whoever waits for any."""
        self._receive()
        if self._over():
            self.close()
        self._news.set()
        self._news = asyncio.Event()
