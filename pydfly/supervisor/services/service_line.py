"""One service of a Supervisor, in its guard: made on request, asked over a line, restarted without its owner.

The line is like that of a domain; see wire.  The owner that lets go of it ends the service.
"""

from __future__ import annotations

import os

from ..helper_socket import HelperSocket
from ..launch import Launch
from ..wire import error_fields
from .guarded_service import GuardedService
from .restart_pace import Rules

HELD = -1  # the target of what no command gets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..wire import Message
    from .guard_domains import Domains


class ServiceLine:
    """One service, and the guard's end of its line."""

    def __init__(self, line: int, domains: Domains, forget: Callable[[ServiceLine], None]) -> None:
        self._line = HelperSocket(line)
        self._domains = domains
        self._loop = domains.loop
        self._forget = forget
        self._service: GuardedService | None = None
        self._descriptors: list[int] = []
        self._told: tuple[Any, ...] = ()
        self._loop.watch(line, self._hear)

    def make(self, cwd: int, targets: dict[int, int], fields: dict[str, Any]) -> None:
        """Make it, and say whether it was made."""
        self._descriptors = [cwd, *targets.values()]
        try:
            self._service = GuardedService(
                fields["name"],
                Rules(**fields["rules"]),
                Launch(**fields["launch"]),
                self._domains,
                cwd,
                {**targets, HELD: self._line.descriptor},  # the warden holds it, too: it outlives the guard
                ready=fields["ready"],
                ring=fields["ring"],
                log=fields["log"],
            )
        except (OSError, ValueError) as error:
            self._send(("failed", (*error_fields(error), getattr(error, "filename", None))))
            return
        self._service.changed = self._changed
        self._service.over = self._over
        self._changed()

    def stop(self) -> None:
        """Have nothing restarted any more."""
        if self._service and not self._service.exiting:
            self._service.exit()

    def close(self) -> None:
        """Let go of everything."""
        if self._service:
            self._service.close()
            self._service = None
        if self._line.descriptor >= 0:
            self._loop.forget(self._line.descriptor)
            self._line.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []
        self._forget(self)

    def _over(self) -> None:
        """It has exited: its owner has let go of it, or the guard ends."""
        self._loop.after(0, self.close)

    def _hear(self) -> None:
        for message, _ in self._line.receive():
            if self._service:
                self._answer(self._service, message)
        if self._line.closed:
            self._loop.forget(self._line.descriptor)
            if self._service is None:
                self.close()
            else:
                self.stop()
            return
        self._send()
        self._changed()

    def _answer(self, service: GuardedService, message: Message) -> None:
        name, serial, *values = message
        try:
            value = self._meet(service, name, values)
        except (OSError, ValueError) as error:  # a path that no file can have is a ValueError
            self._send(("refused", serial, (*error_fields(error), getattr(error, "filename", None))))
        else:
            self._changed()
            self._send(("done", serial, value))

    def _meet(self, service: GuardedService, name: str, values: list[Any]) -> Any:
        if name == "start":
            service.start()
        elif name == "stop":
            service.stop("everybody", values[0])
        elif name == "restart":
            service.restart(values[0])
        elif name == "log":
            service.output.read()
            return service.output.ring.read()
        elif name == "reopen":
            service.output.use_log(values[0])
        return None

    def _changed(self) -> None:
        """Tell the owner when something else than the output has changed; one that does not read gets the last only."""
        if self._service and not self._line.unsent:
            told = (tuple(self._service.status()), self._service.survivors, self._service.warden)
            if told != self._told:
                self._told = told
                self._send(("status", *told))

    def _send(self, message: Message | None = None) -> None:
        if not self._line.closed:
            self._line.send(message)
            self._loop.interest(self._line.descriptor, read=True, write=self._line.unsent)
