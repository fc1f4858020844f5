"""Many domains under one guard, for callers that wait by awaiting."""

from __future__ import annotations

import asyncio
import os

from ..errors import SupervisionError, SurvivorsError
from . import prepare
from .aio_owner import Supervised
from .arguments import seconds
from .many import start_kept
from .owned import Single
from .services.aio_handle import Service
from .switchboard import Switchboard
from .watching import watching, within

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from typing_extensions import Unpack

    from ..structs import Survivor
    from .arguments import Arguments, Word
    from .services.arguments import ServiceArguments


class Supervisor(Single):
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
        prepare.check_backend()
        self._grace = seconds(grace)
        self._services: list[Service] = []
        self._board = Switchboard(interpreter)
        self._watching = watching(self._board)

    def __del__(self) -> None:
        if hasattr(self, "_watching"):
            self.close()

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(self, *exception: object) -> None:
        if os.getpid() == self._board.owner:
            await self.stop()

    def supervise(self, command: Iterable[Word], **arguments: Unpack[Arguments]) -> Supervised:
        """Run a command as ``pydfly.aio.supervise()`` does, with the same arguments but ``interpreter``.

        The handle lives as long as this object, or until its domain is over and that was told.
        """
        prepare.check_backend()
        self._watching.attach()
        options: dict[str, Any] = {"grace": self._grace, **arguments}
        return start_kept(Supervised, self._board, prepare.Prepared(command, **options))

    def service(self, name: str, command: Iterable[Word], **arguments: Unpack[ServiceArguments]) -> Service:
        """Make a service as ``pydfly.Supervisor.service()`` does, with the same arguments; it is not started yet.

        Raises:
            BackendError, TypeError, ValueError, OverflowError, KeyError: as there.  A log file that cannot be opened
                is told by the first method that is awaited.
        """
        from .services.arguments import divided

        prepare.check_backend()
        self._watching.attach()
        fields, options = divided(name, {"grace": self._grace, **arguments})
        service = Service(self._board, prepare.Prepared(command, **options), fields)
        self._services = [*(kept for kept in self._services if not kept.is_over()), service]
        return service

    async def wait_any(self, timeout: float | None = None) -> list[Supervised]:
        """Wait for news of any domain; as ``pydfly.Supervisor.wait_any()``."""
        try:
            await within(timeout, self._watching.until(lambda: bool(self._news()) or not self._board.kept), str)
        except TimeoutError:
            return []
        told = self._news()
        for handle in told:
            handle.news_told()
        return told

    async def stop(self, grace: float | None = None) -> None:
        """End every domain and service, and the helpers; come back when no process is left.

        Args:
            grace: seconds, instead of those that each domain was given.

        Raises:
            SurvivorsError: some could not be ended (``survivors``: pid, name, state, why).
        """
        handles: list[Supervised | Service] = [*self._kept(), *self._services]
        for handle in handles:
            handle.ask_to_stop(grace)
        survivors: list[Survivor] = []
        for handle in handles:
            try:
                await handle.stop(grace)
            except SurvivorsError as error:
                survivors += error.survivors
            except (SupervisionError, OSError):  # a service that was refused or closed, or whose guard was killed
                if isinstance(handle, Supervised):
                    raise
        for service in self._services:
            service.close()
        self._board.leave_guard()
        await self._watching.until_gone()
        if survivors:
            raise SurvivorsError(survivors)

    def close(self) -> None:
        """Let go of every domain: all are ended, but this call does not wait for that."""
        if os.getpid() == self._board.owner:
            self._watching.detach()
            self._board.close()

    def _kept(self) -> list[Supervised]:
        return [handle for handle in tuple(self._board.kept) if isinstance(handle, Supervised)]

    def _news(self) -> list[Supervised]:
        return [handle for handle in self._kept() if handle.has_news]
