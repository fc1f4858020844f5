"""The caller's handle on a service, for callers that wait by awaiting."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import Any

from ..aio_waiting import watching
from ..arguments import seconds
from ..guard_connection import GuardConnection
from ..prepare import Prepared
from .arguments import path_of
from .service import ServiceHandle
from .status import ServiceStatus


class Service(ServiceHandle):
    """One service, for one event loop; made by ``pydfly.aio.Supervisor.service()``.

    The methods are those of ``pydfly.Service``, with its arguments and errors.  Each raises OSError if the log file
    could not be opened, and SupervisionError if the guard was killed.
    """

    def __init__(self, guard: GuardConnection, prepared: Prepared, fields: dict[str, Any]) -> None:
        self._watching = watching(guard)
        self._watching.attach()
        super().__init__(guard, prepared, fields)

    def __await__(self) -> Generator[Any, None, Service]:
        """Return this handle, which is there at once."""
        yield from ()
        return self

    async def start(self) -> None:
        """Start it, if it does not run; comes back at once: ``wait_ready`` waits."""
        await self._ask("start")

    async def wait_ready(self, timeout: float | None = None) -> ServiceStatus:
        """Wait until it is ready, through restarts if there are some; return its status: as ``Service.wait_ready``."""
        await self._until(self._is_settled, timeout, "ready", urge=False)
        return self._check_ready()

    async def status(self) -> ServiceStatus:
        """Return what is known of it now."""
        await self._ask("status")
        return self._known()

    async def stop(self, grace: float | None = None) -> None:
        """Stop it, with everything that it has started; come back when no process is left: as ``Service.stop``."""
        await self._ask("stop", None if grace is None else seconds(grace))
        await self._until(self._is_stopped, None, "stopped")
        self._check_survivors()

    async def restart(self, grace: float | None = None) -> None:
        """Stop everything, and start it then; come back when it was executed again: as ``Service.restart``."""
        before = (await self.status()).launches
        await self._ask("restart", None if grace is None else seconds(grace))
        await self._until(lambda: self._is_restarted(before), None, "restarted")
        self._check_restarted(before)

    async def log(self) -> bytes:
        """Return the last ``log_ring`` bytes of its output."""
        return bytes(await self._ask("log"))

    async def reopen_log(self, path: str | os.PathLike[str] | None = None) -> None:
        """Open the log file again, after it was renamed, or another one: as ``Service.reopen_log``."""
        await self._ask("reopen", None if path is None else path_of(path))

    async def _ask(self, name: str, *values: object) -> Any:
        await self._until(self._is_made, None, "made")
        serial, answered = self._question(name, values)
        await self._until(answered, None, f"asked ({name})")
        return self._answer(serial)

    async def _until(self, condition: Callable[[], bool], timeout: float | None, what: str, urge: bool = True) -> None:
        self._check_owner()
        await self._watching.until(lambda: condition() or self.is_over(), timeout, self._purpose(what), urge)
        self._check_line(condition)
