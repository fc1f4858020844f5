"""Domains as their owner begins and ends them: one with a guard of its own, or many under one guard."""

from __future__ import annotations

import contextlib

from ..errors import SupervisionError, SurvivorsError
from . import prepare
from .arguments import seconds
from .guard_connection import GuardConnection
from .handle import Handle
from .single_owner import Single, check_owner
from .waiting_threads import NotYetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, TypeVar

    from ..structs import Survivor
    from .arguments import Word
    from .services.service import ServiceHandle
    from .start_guard import Program

    H = TypeVar("H", bound=Handle)
    S = TypeVar("S", bound=ServiceHandle)


_ENDING = 2.0  # seconds that a guard without any domain may take to end


def start_alone(kind: type[H], command: Iterable[Word], interpreter: Program | None, arguments: dict[str, Any]) -> H:
    """Start a command with a guard of its own; ``supervise()`` says how."""
    prepare.check_backend()
    prepared = prepare.Prepared(command, **arguments)
    guard = GuardConnection(interpreter)
    try:
        return kind(guard, prepared, True)
    except OSError:  # no more descriptors: a guard that has nothing to do must not stay as a zombie
        guard.close()
        with contextlib.suppress(NotYetError):
            guard.wait_gone(_ENDING)
        raise


class ManyDomains(Single):
    """What the Supervisors of both kinds of callers know, and do without waiting."""

    def __init__(self, grace: float, interpreter: Word | None) -> None:
        prepare.check_backend()
        self._grace = seconds(grace)
        self._services: list[Any] = []
        self._survived: list[Handle] = []  # over, and told by ``wait_any``, but no exception has named the survivors
        self._guard = GuardConnection(interpreter)

    def _check_owner(self) -> None:
        check_owner(self._guard.owner)

    def _start(self, kind: type[H], command: Iterable[Word], arguments: Mapping[str, Any]) -> H:
        self._check_owner()
        prepare.check_backend()
        prepared = prepare.Prepared(command, **{"grace": self._grace, **arguments})
        try:
            return kind(self._guard, prepared, False)
        except BaseException:  # the caller gets no handle by which it could end this domain, or wait for it
            for handle in self._kept(Handle):
                if handle.line is prepared.line:
                    handle.close()
            raise

    def _make(self, kind: type[S], name: str, command: Iterable[Word], arguments: Mapping[str, Any]) -> S:
        from .services.arguments import divided

        self._check_owner()
        prepare.check_backend()
        fields, options = divided(name, {"grace": self._grace, **arguments})
        service = kind(self._guard, prepare.Prepared(command, **options), fields)
        self._services = [*(kept for kept in self._services if not kept.is_over()), service]
        return service

    def _kept(self, kind: type[H]) -> list[H]:
        return [handle for handle in tuple(self._guard.kept) if isinstance(handle, kind)]

    def _has_news(self) -> bool:
        """Say whether any domain has news, or none is left that could have any."""
        return any(handle.has_news for handle in self._kept(Handle)) or not self._guard.kept

    def _take_news(self, kind: type[H]) -> list[H]:
        told = [handle for handle in self._kept(kind) if handle.has_news]
        for handle in told:
            handle.news_told()
        self._survived += [handle for handle in told if handle.has_untold_survivors]
        return told

    def _ask_to_stop(self, kind: type[H], grace: float | None) -> list[Any]:
        self._check_owner()
        survived = [handle for handle in self._survived if handle.has_untold_survivors]
        handles: list[Any] = [*self._kept(kind), *survived, *self._services]
        for handle in handles:
            handle.ask_to_stop(grace)
        return handles

    @contextlib.contextmanager
    def _noting(self, survivors: list[Survivor], handle: object) -> Iterator[None]:
        """Add which processes the end of a domain or a service has left."""
        try:
            yield
        except SurvivorsError as error:
            survivors += error.survivors
        except (SupervisionError, OSError):  # a service that was refused or closed, or whose guard was killed
            if isinstance(handle, Handle):
                raise

    def _leave_guard(self) -> None:
        for service in self._services:
            service.close()
        self._guard.dismissed = True
        self._guard.leave_guard()
