"""Many domains under one guard, for callers that wait by awaiting."""

from __future__ import annotations

import asyncio
import os

from ..errors import SurvivorsError
from .aio_supervised import Supervised
from .aio_waiting import watching
from .domains import ManyDomains
from .services.aio_service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from ..structs import Survivor
    from .arguments import Arguments, Word
    from .services.arguments import ServiceArguments


class Supervisor(ManyDomains):
    """As ``pydfly.Supervisor``, for one event loop.

    Args:
        grace: seconds from the stop signal to SIGKILL, for domains that are given none of their own.
        interpreter: the Python that the helpers run, where the calling program is none itself.

    Raises:
        BackendError, OSError, TypeError, ValueError: as there.
        RuntimeError: no event loop is running.
    """

    def __init__(self, *, grace: float = 5.0, interpreter: Word | None = None) -> None:
        asyncio.get_running_loop()
        super().__init__(grace, interpreter)
        self._watching = watching(self._guard)

    def __del__(self) -> None:
        if hasattr(self, "_watching"):
            self.close()

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(self, *exception: object) -> None:
        if os.getpid() == self._guard.owner:
            await self.stop()

    def supervise(self, command: Iterable[Word], **arguments: Unpack[Arguments]) -> Supervised:
        """Run a command as ``pydfly.aio.supervise()`` does, with the same arguments but ``interpreter``.

        The handle lives as long as this object, or until its domain is over and that was told.
        """
        self._watching.attach()
        return self._start(Supervised, command, arguments)

    def service(self, name: str, command: Iterable[Word], **arguments: Unpack[ServiceArguments]) -> Service:
        """Make a service as ``pydfly.Supervisor.service()`` does, with the same arguments; it is not started yet.

        Raises:
            BackendError, TypeError, ValueError, OverflowError, KeyError: as there.  A log file that cannot be opened
                is told by the first method that is awaited.
        """
        self._watching.attach()
        return self._make(Service, name, command, arguments)

    async def wait_any(self, timeout: float | None = None) -> list[Supervised]:
        """Wait for news of any domain; as ``pydfly.Supervisor.wait_any()``."""
        self._check_owner()
        try:
            await self._watching.until(self._has_news, timeout)
        except TimeoutError:
            return []
        return self._take_news(Supervised)

    async def stop(self, grace: float | None = None) -> None:
        """End every domain and service, and the helpers; come back when no process is left.

        Args:
            grace: seconds, instead of those that each domain was given.

        Raises:
            SurvivorsError: some could not be ended (``survivors``: pid, name, state, why).
        """
        survivors: list[Survivor] = []
        for handle in self._ask_to_stop(Supervised, grace):
            with self._noting(survivors, handle):
                await handle.stop(grace)
        self._leave_guard()
        await self._watching.until_gone()
        if survivors:
            raise SurvivorsError(survivors)

    def close(self) -> None:
        """Let go of every domain: all are ended, but this call does not wait for that."""
        if os.getpid() == self._guard.owner:
            self._watching.detach()
            self._guard.close()
