"""The caller's handle on a service of a ``Supervisor``; ``aio_service`` has the one that waits by awaiting.

The guard restarts the service; a caller asks, and reads what the guard has told.
"""

from __future__ import annotations

import os

from ...errors import SupervisionError, SurvivorsError
from ...structs import Survivor
from ..arguments import seconds
from ..single_owner import Owned
from ..wire import rebuilt
from .arguments import path_of
from .status import ServiceStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..guard_connection import GuardConnection
    from ..prepare import Prepared
    from ..wire import Message


class ServiceHandle(Owned):
    """What the handles of both kinds of callers know, and do without waiting.

    Args:
        fields: everything else that the guard must know.
    """

    def __init__(self, guard: GuardConnection, prepared: Prepared, fields: dict[str, Any]) -> None:
        super().__init__(guard)
        self._answers: dict[int, tuple[bool, Any]] = {}  # whether it was met, and its value or the error
        self._refusal: BaseException | None = None  # why there is no such service
        self._status: ServiceStatus | None = None
        self._survivors: list[dict[str, Any]] = []
        self.name: str = fields["name"]
        """Its name."""
        self.line = prepared.connect()
        number = next(guard.numbers)
        guard.add(self, number)
        self._number = number
        fields = {**fields, "launch": prepared.launch.fields()}
        guard.control.send(("service", number, prepared.targets, fields), prepared.sources, prepared.inner)
        guard.send(guard.control)

    def __repr__(self) -> str:
        return f"<pydfly.Service {self.name!r} {self._status.state if self._status else 'unknown'}>"

    def close(self) -> None:
        """Let go of it: it is stopped, but this call does not wait for that."""
        self._hang_up()

    def take(self, message: Message) -> None:
        """Take a message of the guard; one that was taken already changes nothing."""
        name, *values = message
        if name == "status":
            self._status, self._survivors, self.line.holder = ServiceStatus(*values[0]), *values[1:]
        elif name in ("done", "refused"):
            self._answers[values[0]] = name == "done", values[1]
        elif name == "failed":
            self._refusal = rebuilt(*values[-1])

    def ask_to_stop(self, grace: float | None) -> None:
        """Begin what ``stop()`` does, and come back at once."""
        self._guard.wake()
        if not self.is_over():
            self._send("stop", grace)

    def _known(self) -> ServiceStatus:
        assert self._status
        return self._status

    def is_over(self) -> bool:
        """Say whether nothing more will come: it was closed or refused, or its guard was killed."""
        ended = self.line.closed and self._guard.control.closed  # by the warden, and by the deputy, if that was killed
        return self._refusal is not None or ended or self.line.fileno() < 0

    def _send(self, name: str, *values: object) -> int:
        serial = next(self._serials)
        self.line.send((name, serial, *values))
        self._guard.send(self.line)
        return serial

    def _question(self, name: str, values: tuple[object, ...]) -> tuple[int, Callable[[], bool]]:
        """Ask the guard; return the number of the question, and what says whether it was answered."""
        self._check_owner()
        serial = self._send(name, *values)
        return serial, lambda: serial in self._answers

    def _answer(self, serial: int) -> Any:
        good, value = self._answers.pop(serial)
        if not good:
            raise rebuilt(*value)
        return value

    def _purpose(self, what: str) -> Callable[[], str]:
        return lambda: f"service {self.name!r} {what}"

    # what is waited for, and what is to be raised then

    def _is_made(self) -> bool:
        return self._status is not None

    def _is_settled(self) -> bool:
        return self._status is not None and self._status.state in ("running", "stopped", "failed")

    def _is_stopped(self) -> bool:
        return self._known().state != "stopping"

    def _is_restarted(self, before: int) -> bool:
        return self._known().launches > before or self._known().state in ("stopped", "failed", "waiting")

    def _check_line(self, condition: Callable[[], bool]) -> None:
        """Raise if nothing will come any more that could make the condition true."""
        if not condition():
            self._hang_up()
            raise (
                self._refusal
                or self._guard.failure
                or SupervisionError(
                    f"service {self.name!r}: its guard was killed, or the handle was closed; everything of it was ended"
                )
            )

    def _check_ready(self) -> ServiceStatus:
        self._check_line(lambda: not self.is_over())  # else the last status would be told as that of now
        status = self._known()
        if status.state != "running":
            raise RuntimeError(f"service {self.name!r} is {status.state}: {status.reason or 'it was not started'}")
        return status

    def _check_survivors(self) -> None:
        if self._survivors:
            raise SurvivorsError([Survivor(**left) for left in self._survivors])

    def _check_restarted(self, before: int) -> None:
        status = self._known()
        if status.state == "failed" and status.launches == before:
            self._check_survivors()
            self._check_ready()


class Service(ServiceHandle):
    """One service; made by ``Supervisor.service()``.  May be used from several threads."""

    def __init__(self, guard: GuardConnection, prepared: Prepared, fields: dict[str, Any]) -> None:
        super().__init__(guard, prepared, fields)
        self._until(self._is_made, None, "made")

    def start(self) -> None:
        """Start it, if it does not run; comes back at once: ``wait_ready`` waits.

        Raises:
            SupervisionError: there is no guard any more.
        """
        self._ask("start")

    def wait_ready(self, timeout: float | None = None) -> ServiceStatus:
        """Wait until it is ready, through restarts if there are some; return its status.

        Args:
            timeout: seconds; None for ever.

        Raises:
            RuntimeError: it is stopped, or has failed; the text says why.
            TimeoutError: not within ``timeout`` seconds.
        """
        self._until(self._is_settled, timeout, "ready", urge=False)
        return self._check_ready()

    def status(self) -> ServiceStatus:
        """Return what is known of it now."""
        self._ask("status")
        return self._known()

    def stop(self, grace: float | None = None) -> None:
        """Stop it, with everything that it has started; come back when no process is left.  No restart undoes that.

        Args:
            grace: seconds until SIGKILL, instead of those that it was made with.

        Raises:
            SurvivorsError: some could not be ended.
        """
        self._ask("stop", None if grace is None else seconds(grace))
        self._until(self._is_stopped, None, "stopped")
        self._check_survivors()

    def restart(self, grace: float | None = None) -> None:
        """Stop everything, and start it then; come back when the command was executed again.

        Args:
            grace: seconds until SIGKILL, instead of those that it was made with.

        Raises:
            RuntimeError: it could not be executed; the text says why.
            SurvivorsError: some could not be ended, so there is no second copy beside them.
        """
        before = self.status().launches
        self._ask("restart", None if grace is None else seconds(grace))
        self._until(lambda: self._is_restarted(before), None, "restarted")
        self._check_restarted(before)

    def log(self) -> bytes:
        """Return the last ``log_ring`` bytes of its output."""
        return bytes(self._ask("log"))

    def reopen_log(self, path: str | os.PathLike[str] | None = None) -> None:
        """Open the log file again, after it was renamed, or another one.

        Raises:
            OSError: it cannot be opened; the old one stays in use.
            TypeError, ValueError: no file can have this path.
        """
        self._ask("reopen", None if path is None else path_of(path))

    def _ask(self, name: str, *values: object) -> Any:
        serial, answered = self._question(name, values)
        self._until(answered, None, f"asked ({name})")
        return self._answer(serial)

    def _until(self, condition: Callable[[], bool], timeout: float | None, what: str, urge: bool = True) -> None:
        self._check_owner()
        self._guard.until(lambda: condition() or self.is_over(), timeout, self._purpose(what), urge)
        self._check_line(condition)
