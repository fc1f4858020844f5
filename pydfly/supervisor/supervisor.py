"""Many domains under one guard: ``Supervisor``."""

from __future__ import annotations

import os

from ..errors import SurvivorsError
from . import start_guard
from .domains import ManyDomains
from .poller import Poller
from .supervised import Supervised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from ..structs import Survivor
    from .arguments import Arguments, Word
    from .guard_connection import GuardConnection
    from .services.service import Service


class Supervisor(ManyDomains):
    """A guard for any number of domains, each with a warden of its own; a context manager whose end ends them all.

    Args:
        grace: seconds from the stop signal to SIGKILL, for domains that are given none of their own.
        interpreter: the Python that the helpers run, where the calling program is none itself.

    Raises:
        BackendError: the backend in force has no real processes; or ``interpreter`` must be named.
        OSError: the guard could not be started.
    """

    def __init__(self, *, grace: float = 5.0, interpreter: Word | None = None) -> None:
        self._descriptor: NewsDescriptor | None = None
        super().__init__(grace, interpreter)

    def __del__(self) -> None:
        if hasattr(self, "_guard"):
            self.close()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *exception: object) -> None:
        if os.getpid() == self._guard.owner:
            self.stop()

    def supervise(self, command: Iterable[Word], **arguments: Unpack[Arguments]) -> Supervised:
        """Run a command as ``pydfly.supervise()`` does, with the same arguments but ``interpreter``.

        The handle lives as long as this object, or until its domain is over and that was told.
        """
        return self._start(Supervised, command, arguments)

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
            delay: seconds until the first automatic restart.
            backoff: factor by which this grows with each restart that follows.
            max_delay: seconds that it never exceeds; after a run that was ready for so long it is ``delay`` again.
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
        from .services.service import Service

        own = {
            "restart": restart, "delay": delay, "backoff": backoff, "max_delay": max_delay, "limit": limit,
            "ends_with": ends_with, "ready": ready, "ready_timeout": ready_timeout, "log": log, "log_ring": log_ring,
        }  # fmt: skip
        return self._make(Service, name, command, {**own, **arguments})

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``wait_any(0)`` may have something to tell: for foreign loops."""
        self._check_owner()
        if self._descriptor is None:
            self._descriptor = NewsDescriptor(self._guard)
            self._guard.listeners.append(self._descriptor.ring)
        return self._descriptor.fileno()

    def wait_any(self, timeout: float | None = None) -> list[Supervised]:
        """Wait for news of any domain: its start, or why there is none, the end of its command, its own end.

        Args:
            timeout: seconds; None for ever.

        Returns:
            The handles that have news, each for the last time when it is over; none after ``timeout`` seconds, or if
            no domain is left that could have any.
        """
        self._check_owner()
        try:
            self._guard.until(self._has_news, timeout, lambda: "news")
        except TimeoutError:
            return []
        told = self._take_news(Supervised)
        if self._descriptor is not None:
            self._descriptor.silence()
        return told

    def stop(self, grace: float | None = None) -> None:
        """End every domain and service, and the helpers; come back when no process is left.

        Args:
            grace: seconds, instead of those that each domain was given.

        Raises:
            SurvivorsError: some could not be ended (``survivors``: pid, name, state, why).
        """
        survivors: list[Survivor] = []
        for handle in self._ask_to_stop(Supervised, grace):
            with self._noting(survivors, handle):
                handle.stop(grace)
        self._leave_guard()
        self._guard.wait_gone(None)
        self._close_descriptor()
        if survivors:
            raise SurvivorsError(survivors)

    def close(self) -> None:
        """Let go of every domain: all are ended, but this call does not wait for that."""
        self._guard.close()
        self._close_descriptor()

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            self._descriptor.close()


class NewsDescriptor:
    """A descriptor for foreign event loops: readable while there may be news, also when another call has read them.

    It is about ``guard``'s poller and about ``ring``.
    """

    def __init__(self, guard: GuardConnection) -> None:
        self._mine, self._its = start_guard.pair()
        self._mine.setblocking(False)
        self._its.setblocking(False)
        self._poller = Poller()
        self._poller.add(guard.fileno())
        self._poller.add(self._mine.fileno())

    def __del__(self) -> None:
        if hasattr(self, "_poller"):
            self.close()

    def fileno(self) -> int:
        """Return the descriptor; -1 after ``close``."""
        return self._poller.fileno()

    def ring(self) -> None:
        """Make it readable."""
        try:
            self._its.send(b"!")
        except OSError:  # it is full of rings
            return

    def silence(self) -> None:
        """Take the rings back."""
        try:
            while self._mine.recv(4096):
                pass
        except OSError:
            return

    def close(self) -> None:
        """Take it down: nothing more can ring it."""
        self._poller.close()
        self._mine.close()
        self._its.close()
