"""The handle on a supervised command, for callers that wait by awaiting."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Generator
from typing import Any

from ..structs import DescendantInfo
from .aio_streams import Pipe, open_reader, open_writer
from .aio_waiting import Watching, watching
from .arguments import signal_number
from .guard_connection import GuardConnection
from .handle import Handle
from .prepare import Prepared
from .report import Step
from .waiting_threads import deadline_of, rest_until


class Supervised(Handle):
    """A command under a warden, for one event loop; made by ``supervise()``.

    The methods are those of ``pydfly.Supervised``, with its arguments and errors.
    """

    stdin: asyncio.StreamWriter | None = None
    """The other end of a pipe to the command, if one was asked for."""
    stdout: asyncio.StreamReader | None = None
    """The other end of a pipe from the command, if one was asked for."""
    stderr: asyncio.StreamReader | None = None
    """The other end of a pipe from the command, if one was asked for."""

    def __init__(self, guard: GuardConnection, prepared: Prepared, alone: bool) -> None:
        self._watching: Watching = watching(guard)
        self._watching.attach()
        super().__init__(guard, prepared, alone)
        self._pipes: list[Pipe] = []
        if writing := prepared.open_pipe("stdin", 0):
            self.stdin, pipe = open_writer(writing)
            self._pipes.append(pipe)
        for name in ("stdout", "stderr"):
            if reading := prepared.open_pipe(name, 0):
                reader, pipe = open_reader(reading)
                setattr(self, name, reader)
                self._pipes.append(pipe)

    def __await__(self) -> Generator[Any, None, Supervised]:
        """Wait until the command was executed, as for ``asyncio.create_subprocess_exec()``; return this handle."""
        yield from self.wait_started().__await__()
        return self

    async def __aenter__(self) -> Supervised:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if os.getpid() != self._owner:
            return
        try:
            if not self._told:
                await self.stop()
        finally:
            for pipe in self._pipes:
                pipe.close()
        if kind is None:
            self._raise_failures()

    async def wait_started(self, timeout: float | None = None) -> int:
        """Wait until the command has been executed; return its process id: as ``pydfly.Supervised.wait_started``."""
        await self._until(lambda: self._known.pid is not None or self._over(), timeout, "the start of", urge=True)
        return self._started()

    async def processes(self) -> list[DescendantInfo]:
        """List the living members of the domain and its zombies, parents before their children: a snapshot."""
        return [DescendantInfo(*fields) for fields in await self._ask("processes") or []]

    async def plan(self) -> list[Step]:
        """Say what ``stop()`` would signal with what and when, if it were called now; signals nothing."""
        return self._plan(await self.processes())

    async def signal(self, signal: int) -> None:
        """Signal the command; when it has ended, the processes that it left directly to the warden: its daemons.

        Arguments and errors as ``pydfly.Supervised.signal`` has them.
        """
        number = signal_number(signal)
        await self.wait_started()
        self._check_living()
        await self._ask("signal", number)

    async def stop(self, grace: float | None = None) -> None:
        """End everything: the stop signal and SIGCONT, SIGKILL after the grace; come back when no process is left.

        Arguments and errors as ``pydfly.Supervised.stop`` has them; a second call may shorten the grace.
        """
        self.ask_to_stop(grace)
        await self._until_over(None, urge=True)
        self._check_survivors()

    async def wait(self, timeout: float | None = None) -> int | None:
        """Wait until the command and everything it started have ended, by themselves or by ``stop()``.

        Giving up waiting ends nothing.  Arguments, result and errors as ``pydfly.Supervised.wait`` has them.
        """
        await self._until_over(timeout)
        self._check_survivors()
        return self._command_status()

    async def wait_command(self, timeout: float | None = None) -> int | None:
        """Wait until the command has ended, whatever it has left behind: as ``pydfly.Supervised.wait_command``."""
        await self._until(lambda: self._known.exited is not None or self._over(), timeout, "the end of")
        return self._command_status()

    def _hang_up(self) -> None:
        if self._alone:
            self._watching.detach()
        super()._hang_up()

    async def _until(
        self, condition: Callable[[], bool], timeout: float | None, purpose: str, urge: bool = False
    ) -> None:
        self._check_owner()
        await self._watching.until(condition, timeout, self._purpose(purpose), urge)

    async def _until_over(self, timeout: float | None, urge: bool = False) -> None:
        """Wait for the end of the domain, and of helpers that have no other one."""
        deadline = deadline_of(timeout)
        await self._until(self._over, timeout, "the end of everything started by", urge)
        if not self._closed:
            self._finish()
        if self._alone:
            await self._watching.until_gone(rest_until(deadline))

    async def _ask(self, name: str, *values: object) -> Any:
        self._check_owner()
        if self._over():
            return None
        serial = self._request(name, *values)
        try:
            await self._watching.until(lambda: self._answered(serial), urge=True)
        except BaseException:
            self._known.give_up(serial)
            raise
        return self._known.answer(serial)
