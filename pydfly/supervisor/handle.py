"""What an owner knows of a domain: news in, requests out.  No call here waits; see supervised.py and pydfly.aio.

Nothing of the calling process is changed: no signal handler, no wait for any child but the guard, no code in a
forked copy of it.  The handle is a socket; its end, however it comes, ends the domain.
"""

from __future__ import annotations

import errno
import os
from _thread import get_ident

from ..ending.policy import plan
from ..errors import SupervisionError, SurvivorsError
from .arguments import seconds, signal_name
from .domain_state import DomainState
from .single_owner import Owned
from .warden_ahead import send_launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..structs import DescendantInfo
    from .guard_connection import GuardConnection
    from .prepare import Prepared
    from .report import Report, Step
    from .wire import Message


class Handle(Owned):
    """One domain, as its owner sees it.  A forked copy of the owner owns nothing: every method raises there.

    ``alone``: the guard is for this domain only, and ends with it.  OSError: ETOOMANYREFS, too many descriptors are on
    their way to guards.
    """

    def __init__(self, guard: GuardConnection, prepared: Prepared, alone: bool) -> None:
        super().__init__(guard)
        self._alone = alone
        self._launch = prepared.launch
        self._spare = prepared.spare
        self._failure_told = False
        self._closed = False
        self._told = False  # whether stop() or wait() has said how it ended
        self.has_news = False
        """Something has happened since ``Supervisor.wait_any()`` told the last of this domain."""
        reserved = guard.reserve.claim(prepared.launch.grace)
        number = reserved.number if reserved else next(guard.numbers)
        self.line = prepared.connect(reserved.line if reserved else None)
        self._known = DomainState(prepared.names, prepared.spare, self.line.send)
        guard.add(self, number)
        self._number = number
        if not alone:
            guard.kept[self] = None
        send_launch(guard, self, number, prepared, reserved)

    def __repr__(self) -> str:
        state = "over" if self._over() else "running" if self._known.pid else "starting"
        return f"<pydfly.Supervised {self._name} {state}>"

    def fileno(self) -> int:
        """Return a descriptor that is readable when something has happened: call any method then.

        It is -1 when everything is over; do not read from it.
        """
        return self.line.fileno()

    @property
    def pid(self) -> int | None:
        """Process id of the command; None until it was executed."""
        self._refresh()
        return self._known.pid

    @property
    def exit_status(self) -> int | None:
        """Exit status of the command, negative for the signal that ended it; None while it runs."""
        self._refresh()
        return self._known.exit_status

    @property
    def report(self) -> Report:
        """How everything ended.

        Raises:
            SupervisionError: the warden was killed and took its knowledge with it, or was never started.
            RuntimeError: not everything has ended yet.
        """
        self._refresh()
        if self._known.report is not None:
            return self._known.report
        if self._over():
            raise self._unknown()
        raise RuntimeError(f"there is no report: {self._name} is not over yet")

    def close(self) -> None:
        """Let go of the domain: it is ended, but this does not wait for that."""
        self._check_owner()
        self._hang_up()

    def is_over(self) -> bool:
        """Say whether nothing more will come: the domain has ended, or the handle was closed."""
        self._check_owner()
        return self._over()

    def ask_to_stop(self, grace: float | None = None) -> None:
        """Begin what ``stop()`` does, and come back at once; TypeError, ValueError: ``grace`` is no time."""
        self._check_owner()
        grace = None if grace is None else seconds(grace)
        self._guard.wake()
        if not self._over():
            self._request("stop", grace)

    def news_told(self) -> None:
        """Note that the caller knows all that has happened until now."""
        self.has_news = False
        if self._over():
            self._guard.kept.pop(self, None)

    @property
    def has_untold_survivors(self) -> bool:
        """Whether some could not be ended, and neither ``stop()`` nor ``wait()`` has said so."""
        return not self._told and bool(self._known.survivors)

    def take(self, message: Message) -> None:
        """Take a message of the warden, or of those above it."""
        if message[0] == "started":
            self.line.holder = message[2]
        if self._known.take(message):
            self.has_news = True
            if self._over():
                self._finish()

    @property
    def _name(self) -> str:
        pid = f" (pid {self._known.pid})" if self._known.pid else ""
        return f"{os.fsdecode(self._launch.command[0])!r}{pid}"

    def _purpose(self, what: str) -> Callable[[], str]:
        return lambda: f"{what} {self._name}"

    def _check_living(self) -> None:
        if self._over():
            raise ProcessLookupError(errno.ESRCH, f"{self._name} and everything that it has left have ended")

    def _refresh(self) -> None:
        """Take the messages that have come."""
        self._check_owner()
        if not self._over():
            self._guard.exchange()

    def _check_asking(self) -> None:
        if self._known.asking == get_ident():
            raise RuntimeError("spare() must not wait for the ending: the ending waits for spare()")

    def _over(self) -> bool:
        """Whether nothing more will come."""
        known = self._known.is_final or self._closed
        return known or (self.line.closed and self._guard.control.closed)

    def _request(self, name: str, *values: object) -> int:
        """Ask the warden for something, and return the serial of the answer."""
        serial = next(self._serials)
        self._known.pending.add(serial)
        self.line.send((name, serial, *values))
        self._guard.send(self.line)
        return serial

    def _answered(self, serial: int) -> bool:
        return serial in self._known.answers or self._over()

    def _started(self) -> int:
        if self._known.pid is None:
            raise self._why_not_started()
        return self._known.pid

    def _why_not_started(self) -> BaseException:
        self._failure_told = True
        self.news_told()
        return self._unknown()

    def _command_status(self) -> int | None:
        """Return the exit status of the command, now that it has ended."""
        if self._known.pid is None and self._known.report is None:
            raise self._why_not_started()
        if self._known.exited is None and self._known.report is None:
            raise self._unknown()
        return self._known.exit_status

    def _unknown(self) -> BaseException:
        if self._known.failure:
            return self._known.failure
        if self._closed:
            return SupervisionError(f"the handle of {self._name} was closed, so how it ended is not known")
        return self._guard.failure or self._guard.disappointment(self._known.lost is not None)

    def _check_survivors(self) -> None:
        self._told = True
        self.news_told()
        if self._known.survivors:
            raise SurvivorsError(self._known.survivors)

    def _raise_failures(self) -> None:
        """Raise what went wrong and was not told: at the end of a block."""
        failure, self._known.spare_failure = self._known.spare_failure, None
        if failure is None and not self._failure_told:
            failure = self._known.failure
        if failure is not None:
            self._failure_told = True
            raise failure

    def _plan(self, members: list[DescendantInfo]) -> list[Step]:
        spared: set[int] = set()
        for member in members:  # parents come first
            if member.ppid in spared or (self._spare and self._spare(member)):
                spared.add(member.pid)
        ended = [member for member in members if member.pid not in spared]
        command = self._known.pid if self._known.pid and self._known.exited is None else 0
        return plan(ended, self._launch.grace, signal_name(self._launch.stop_signal), self._launch.kill_mode, command)

    def _finish(self) -> None:
        """The last word was said: let the line go, and with it a guard that has nothing else to do."""
        super()._hang_up()
        if self._alone:
            self._guard.leave_guard()

    def _hang_up(self) -> None:
        self._closed = True
        self._guard.kept.pop(self, None)
        super()._hang_up()
        if self._alone:
            self._guard.close()
