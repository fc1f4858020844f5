"""Many domains under one guard: ``Supervisor``."""

from __future__ import annotations

import contextlib
import os

from ..errors import SupervisionError, SurvivorsError
from . import prepare
from .arguments import seconds
from .bell import Bell
from .handle import Handle
from .owned import Single
from .owner import Supervised
from .switchboard import Switchboard
from .turns import NotYetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TypeVar

    from typing_extensions import Unpack

    from ..structs import Survivor
    from .arguments import Arguments, Word
    from .services.handle import Service
    from .start import Program

    H = TypeVar("H", bound=Handle)


_ENDING = 2.0  # seconds that a guard may take to end that was started for nothing


def start_alone(kind: type[H], command: Iterable[Word], interpreter: Program | None, arguments: dict[str, Any]) -> H:
    """Start a command with a guard of its own; ``supervise()`` says how."""
    prepare.check_backend()
    prepared = prepare.Prepared(command, **arguments)
    board = Switchboard(interpreter)
    try:
        return kind(board, prepared, True)
    except OSError:  # no more descriptors: a guard that has nothing to do must not stay as a zombie
        board.close()
        with contextlib.suppress(NotYetError):
            board.wait_gone(_ENDING)
        raise


def start_kept(kind: type[H], board: Switchboard, prepared: prepare.Prepared) -> H:
    """Start a command with a guard that may have others, too."""
    try:
        return kind(board, prepared, False)
    except BaseException:  # the caller gets no handle by which it could end this domain, or wait for it
        for handle in tuple(board.kept):
            if isinstance(handle, Handle) and handle.post is prepared.line:
                handle.close()
        raise


class Supervisor(Single):
    """A guard for any number of domains, each with a warden of its own; a context manager whose end ends them all.

    Args:
        grace: seconds from the stop signal to SIGKILL, for domains that are given none of their own.
        interpreter: the Python that the helpers run, where the calling program is none itself.

    Raises:
        BackendError: the backend in force has no real processes; or ``interpreter`` must be named.
        OSError: the guard could not be started.
    """

    def __init__(self, *, grace: float = 5.0, interpreter: Word | None = None) -> None:
        prepare.check_backend()
        self._grace = seconds(grace)
        self._bell: Bell | None = None
        self._board = Switchboard(interpreter)
        self._services: list[Service] = []

    def __del__(self) -> None:
        if hasattr(self, "_board"):
            self.close()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *exception: object) -> None:
        if os.getpid() == self._board.owner:
            self.stop()

    def supervise(self, command: Iterable[Word], **arguments: Unpack[Arguments]) -> Supervised:
        """Run a command as ``pydfly.supervise()`` does, with the same arguments but ``interpreter``.

        The handle lives as long as this object, or until its domain is over.
        """
        prepare.check_backend()
        options: dict[str, Any] = {"grace": self._grace, **arguments}
        return start_kept(Supervised, self._board, prepare.Prepared(command, **options))

    def service(
        self,
        name: str,
        command: Iterable[Word],
        *,
        restart: str = "on-failure",
        delay: float = 1.0,
        backoff: float = 2.0,
        max_delay: float = 60.0,
        limit: tuple[int, float] | None = (5, 60.0),
        ends_with: str = "everybody",
        ready: str | int | None = None,
        ready_timeout: float = 30.0,
        log: Word | None = None,
        log_ring: int = 8192,
        **arguments: Unpack[Arguments],
    ) -> Service:
        """Make a service, which is not started yet; the guard restarts it, whatever this process does.

        Args:
            name: for status and texts.
            command: as ``supervise()`` has it; its stdin is /dev/null, and its output goes to the log.
            restart: ``never``, ``on-failure`` (an exit status but 0, a signal, an end before it was ready) or
                ``always``.
            delay, backoff, max_delay: seconds until the first automatic restart; the factor for each one that follows;
                and their limit.  A run that was ready for ``max_delay`` seconds begins with ``delay`` again.
            limit: (n, seconds): when n automatic restarts lie within the last seconds, it has failed at the next end.
            ends_with: ``command``: it has ended with the command, and what that leaves is ended before a restart;
                ``everybody``: when no process of it is left.
            ready: None: when executed; ``notify``: with READY=1 over $NOTIFY_SOCKET (Linux); a number: with a line on
                this descriptor of the command.
            ready_timeout: seconds after which a start has failed.
            log: a file that the output is appended to; made with mode 0640.
            log_ring: how many bytes of output ``log()`` can tell.
            arguments: as ``supervise()`` has them, but for the standard files, ``spare``, ``timeout``, ``wait_all``.

        Raises:
            TypeError, ValueError, OverflowError, KeyError: an invalid argument.
            BackendError: ``ready="notify"`` on a system that does not tell the sender of a datagram.
            OSError: the log file cannot be opened.
        """
        from .services.arguments import divided
        from .services.handle import Service

        prepare.check_backend()
        own = {
            "restart": restart, "delay": delay, "backoff": backoff, "max_delay": max_delay, "limit": limit,
            "ends_with": ends_with, "ready": ready, "ready_timeout": ready_timeout, "log": log, "log_ring": log_ring,
        }  # fmt: skip
        fields, options = divided(name, {"grace": self._grace, **own, **arguments})
        service = Service(self._board, prepare.Prepared(command, **options), fields)
        self._services = [*(kept for kept in self._services if not kept.is_over()), service]
        return service

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``wait_any(0)`` may have something to tell: for foreign loops."""
        if self._bell is None:
            self._bell = Bell(self._board)
            self._board.listeners.append(self._bell.ring)
        return self._bell.fileno()

    def wait_any(self, timeout: float | None = None) -> list[Supervised]:
        """Wait for news of any domain: its start, or why there is none, the end of its command, its own end.

        Args:
            timeout: seconds; None for ever.

        Returns:
            The handles that have news, each for the last time when it is over; none after ``timeout`` seconds, or if
            no domain is left that could have any.
        """
        try:
            self._board.until(lambda: bool(self._news()) or not self._board.kept, timeout, lambda: "news")
        except TimeoutError:
            return []
        told = self._news()
        for handle in told:
            handle.news_told()
        if self._bell is not None:
            self._bell.silence()
        return told

    def stop(self, grace: float | None = None) -> None:
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
                handle.stop(grace)
            except SurvivorsError as error:
                survivors += error.survivors
            except SupervisionError:  # a service that was let go of, or whose guard was killed: it was ended
                if isinstance(handle, Supervised):
                    raise
        for service in self._services:
            service.close()
        self._board.leave_guard()
        self._board.wait_gone(None)
        self._take_bell_down()
        if survivors:
            raise SurvivorsError(survivors)

    def close(self) -> None:
        """Let go of every domain: all are ended, but this call does not wait for that."""
        self._board.close()
        self._take_bell_down()

    def _take_bell_down(self) -> None:
        if self._bell is not None:
            self._bell.close()

    def _kept(self) -> list[Supervised]:
        return [handle for handle in tuple(self._board.kept) if isinstance(handle, Supervised)]

    def _news(self) -> list[Supervised]:
        return [handle for handle in self._kept() if handle.has_news]
