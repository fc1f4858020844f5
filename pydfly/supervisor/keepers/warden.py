"""The warden: owns one domain, starts the command, collects the dead, and ends everything when it is time.

It sleeps in one place (the mailbox), and after each wake-up does the same things, each for a bounded time: it hears
its owner, looks whether its parents live, collects dead children, and takes the step that is due.  Even a flood of
deaths or requests does not keep it from the rest.

Its states are a table: what happens in a state upon an event stands in ``states.ACTIONS`` and nowhere else.
"""

from __future__ import annotations

import _signal
import os
import time

from ...ending.drive import Ending
from ...ending.warden_domain import OwnChildren
from ..launch import Launch
from ..wire import error_fields
from . import mailbox
from . import warden_states as states
from .command_start import CommandStart
from .dead_children import DeadChildren
from .keeper import FAILED, LEFT
from .own_process import is_empty, name_myself, stand_alone, take_precedence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...ending.warden_domain import Listing
    from ...structs import DescendantInfo
    from .command_start import Given
    from .mailbox import Mailbox
    from .own_process import Lifeline
    from .owner_requests import OwnerRequests


class Warden:
    """The state of one domain; the lifeline tells whether the deputy wants this to go on."""

    _owner: OwnerRequests
    _given: Given

    def __init__(self, mailbox: Mailbox, listing: Listing, lifeline: Lifeline) -> None:
        self.state = states.WAITING
        self.launch: Launch | None = None
        self.pid = 0  # of the command
        self.status: int | None = None  # wait status of the command
        self.reason = states.COMMAND_ENDED
        self._began = 0.0
        self._mailbox = mailbox
        self._listing = listing
        self._lifeline = lifeline
        self._command_start: CommandStart | None = None
        self._dead = DeadChildren(listing)
        self._children = OwnChildren(listing, self._dead.count)
        self._ending: Ending | None = None
        self._deadline = float("inf")  # the end of the time that the command was given

    def run(self, owner: OwnerRequests, given: Given) -> int:
        """Keep the domain until no process is left in it; return the exit status of this process."""
        self._began = time.time()
        self._owner, self._given = owner, given
        if not self._lifeline.parent:  # it was not forked ahead
            stand_alone(self._lifeline, _signal.SIGCONT)
            mailbox.listen(owner.line.descriptor)
        self._owner.hear(self)
        while self._look_around():
            self._owner.line.send()
            due = self._due
            if self._command_start:
                if self.state != states.STARTING:
                    self._lifeline.tell_started()
                kept = (*self._lifeline.descriptors, self._owner.line.descriptor, *self._listing.descriptors)
                due = min(due, self._command_start.settle(self.state in (states.STARTING, states.RUNNING), kept))
            self._mailbox.wait_until(due)
            if self.state == states.STARTING:  # what is waited for comes before all else
                self._hear_of_exec()
                self._owner.line.send()
        is_told = self._say_farewell()
        if self.launch is None or not is_told:
            # the helpers above were gone before a launch came, or the owner has not read the report: a helper above
            # that is left tells the owner how the domain has ended
            return FAILED
        return LEFT if self._ending and self._ending.leaves_some else 0

    # what the owner asks for

    def launched(self, fields: dict[str, Any]) -> None:
        """Take what is to be run."""
        self.launch = Launch(**fields)
        self._happens(states.LAUNCHED)

    def members(self) -> list[DescendantInfo]:
        """List the members of the domain, zombies included, parents before their children."""
        return self._children.members()

    def signal(self, number: int, to_group: bool = False) -> None:
        """Signal the command, or its daemons; see ``DeadChildren.signal``."""
        self._dead.signal(number, to_group, self.members)

    def stop(self, grace: float | None) -> None:
        """Begin the ending, or shorten its grace."""
        self._happens(states.STOP, states.ASKED, grace)

    def spare(self, question: int, pids: list[int]) -> None:
        """Take the owner's answer to which processes to spare."""
        if self._ending and self._owner.is_last_question(question):
            self._ending.spare(pids)

    def _look_around(self) -> bool:
        """Do what there is to do, and say whether there will be more."""
        self._owner.hear(self)
        if self._lifeline.is_cut():
            self._happens(states.GONE, states.PARENT_GONE)
        elif self._owner.line.closed or self._owner.line.broken:
            self._happens(states.GONE, states.OWNER_GONE)
        self._hear_of_exec()
        died = self._dead.collect()
        if self.status is None and self._dead.command_status is not None:
            self._hear_of_exec()
            self.status = self._dead.command_status
            self._owner.tell("exited", self.status)
            self._happens(states.EXITED)
        if self._dead.stopped_by:
            self._owner.tell("stopped", self._dead.stopped_by)
        if died and self._ending:
            self._ending.gather(time.monotonic())
        if self._dead.childless and self.pid:
            self._look_for_last()
        if time.monotonic() >= self._due:
            self._happens(states.DUE)
        return self.state != states.OVER

    @property
    def _due(self) -> float:
        """When there is something to do next, on the monotonic clock."""
        return self._ending.due if self._ending else self._deadline

    def _happens(self, event: str, *values: Any) -> None:
        action = states.ACTIONS.get((self.state, event))
        if action is not None:
            getattr(self, action)(*values)

    def _start(self) -> None:
        assert self.launch
        name = os.fsdecode(os.path.basename(self.launch.command[0]))
        try:
            self._command_start = CommandStart(self.launch, self._mailbox, self._given)
        except OSError as error:
            self._owner.tell("failed", (*error_fields(error), None))
            self.state = states.OVER
            return
        self.pid = self._command_start.pid
        self.state = states.STARTING
        name_myself(f"warden:{name}")  # a tree shows the command's name, also when that has ended
        self._dead.command_is(self.pid, name)
        if self.launch.timeout:
            self._deadline = time.monotonic() + self.launch.timeout

    def _hear_of_exec(self) -> None:
        if self._command_start and (event := self._command_start.event()):
            self._happens(event)

    def _executed(self) -> None:
        if self.state == states.STARTING:
            self.state = states.RUNNING
        self._owner.tell("started", self.pid, os.getpid())

    def _abort(self, reason: str, grace: float | None) -> None:
        """End the command when it was executed, or when the grace is over: a dead file system may hold its exec up."""
        assert self.launch
        self.state = states.ABORTING
        end = time.monotonic() + (self.launch.grace if grace is None else grace)
        self._deadline = min(self._deadline, end)
        self.reason = reason

    def _executed_to_end(self) -> None:
        self._executed()
        self._begin_ending(self.reason, max(0.0, self._deadline - time.monotonic()))

    def _time_out_aborting(self) -> None:
        self._begin_ending(self.reason, 0.0)

    def _refused(self) -> None:
        if self._dead.command_status is None:  # else it was collected before its message was read
            os.kill(self.pid, _signal.SIGKILL)  # that was its last message, but it may have been stopped since
            os.waitpid(self.pid, 0)
        self._owner.tell("failed", self._command_start and self._command_start.failure)
        self.state = states.OVER

    def _exited(self) -> None:
        assert self.launch
        self.state = states.LINGERING
        if not self.launch.wait_all and not self._dead.childless:
            self._begin_ending(states.COMMAND_ENDED)

    def _exited_ending(self) -> None:
        assert self._ending
        self._ending.command_ended()

    def _time_out(self) -> None:
        self._begin_ending(states.TIMEOUT)

    def _begin_ending(self, reason: str, grace: float | None = None) -> None:
        assert self.launch
        self.reason = reason
        self.state = states.ENDING
        ask = self._owner.ask if self.launch.spare and not self._owner.line.closed else None
        how = self.launch.stop_signal, self.launch.kill_mode, self.pid if self.status is None else 0
        grace = self.launch.grace if grace is None else grace
        take_precedence(will_fork=False)
        self._ending = Ending(self._children, time.monotonic(), grace, self._dead.journal.saw, ask, *how)

    def _hurry(self, reason: str, grace: float | None) -> None:
        assert self._ending
        if grace is not None:
            self._ending.hurry(time.monotonic() + grace)

    def _spare_none(self, reason: str) -> None:
        assert self._ending
        self._ending.spare_none()

    def _step(self) -> None:
        assert self._ending
        if self._ending.step(time.monotonic()) is None:
            self.state = states.OVER

    def _look_for_last(self) -> None:
        """Wait has said ECHILD: the only proof that no process is left."""
        if is_empty():
            self._happens(states.EMPTY)
        elif self.state == states.LINGERING:
            self._begin_ending(states.COMMAND_ENDED)  # the others give no news, so there is nothing to wait for

    def _finish(self, reason: str = "") -> None:
        self.state = states.OVER

    def _say_farewell(self) -> bool:
        """Report, however long the owner takes to read it; but not to an owner that is gone."""
        if self.launch and self.pid and (self.status is not None or self._ending):
            report = self._dead.journal.report(self.launch, self.pid, self.status, self._ending)
            self._owner.tell("ended", {**report, "reason": self.reason, "start": self._began})
        return self._owner.finish(self._mailbox, self._lifeline.is_cut)
