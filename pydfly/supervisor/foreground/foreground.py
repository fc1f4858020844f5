"""One domain in the foreground: this process is its owner and its guard, as ``pydfly run`` is.

A signal that comes is passed on to the command over the line, once.  What the terminal sent is passed on only where the
command is not in the process group that it sent it to (see ``terminal``).  For a signal that a process sent while
the command is in that group, the deputy is asked: it is in the group, too, so it has the signal if the group was meant.
"""

from __future__ import annotations

import _signal
import time

from ..helper_socket import HelperSocket
from ..keepers import mailbox
from ..keepers.guard import Guard
from ..keepers.keeper import last_resort
from ..keepers.mailbox import Mailbox
from ..keepers.own_process import blind, close_all_but, hide_environment, protect_myself
from . import terminal
from .announcements import Announcements
from .job import Job

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from signal import struct_siginfo
    from typing import Any, Protocol

    from ..launch import Launch
    from ..wire import Message

    Fields = tuple[Any, ...]  # of DescendantInfo

    class Attendant(Protocol):
        """What else is done while a command runs; see ``cli.run``."""

        announces: bool

        def started(self, pid: int) -> None: ...
        def spares(self, members: list[Fields], at_exit: bool) -> list[int]: ...
        def waiting(self, members: list[Fields], rest: float) -> None: ...


_OURS = {_signal.SIGIO, _signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGXCPU}
# and Mailbox.wake: about the pipes, files and limits of this process itself, unless another process sent it
_ENDING_KEYS = {_signal.SIGINT, _signal.SIGQUIT, _signal.SIGHUP}  # of a terminal, or of its loss


class Foreground:
    """The command, its domain, and what is known of them.

    Args:
        descriptors: those that the command gets, under their own numbers; ``kept``: those that this process needs.
        before: the signal mask that this process began with (None for that of now), and which of the signals that
            Python ignores were ignored before it did.
    """

    def __init__(
        self,
        launch: Launch,
        descriptors: list[int],
        kept: Iterable[int],
        attendant: Attendant,
        before: tuple[set[int] | None, set[int]] = (None, set()),
    ) -> None:
        self.launch = launch
        self.failure: tuple[str, int | None, str, str | None] | None = None  # why the command was not started
        self.report: dict[str, Any] | None = None
        self.lost: list[dict[str, Any]] | None = None  # what is left, when the warden was killed
        self.trouble: BaseException | None = None  # what went wrong in this process; the domain was ended even so
        self._exited = self._asked = False  # whether the command has ended; whether the domain was told to end
        self._descriptors = descriptors
        self._kept = kept
        self._attendant = attendant
        self._serial = 0
        self._closing = False
        mailbox.queue_reports()
        self._mailbox = Mailbox(*before)
        self._job = Job(self._request)
        self._guard = Guard(self._mailbox, self._hear_guard)
        self._announcements = Announcements(attendant.announces, launch.grace)
        self._deadline = float("inf")  # when the time of --timeout is over
        self._taken: list[struct_siginfo] = []  # the signals that came after the one that is being passed on

    def run(self) -> None:
        """Start the command, and come back when no process of its domain is left, or only those that stay."""
        try:
            self._run()
        except BaseException as error:  # whatever it is: no process may be left
            self.trouble = error
            last_resort(self._guard.keeper)

    def _run(self) -> None:
        import _socket

        hide_environment()
        protect_myself()
        if self._job.own_group:
            self.launch.process_group = 0
            self.launch.is_job = self._job.terminal.exists
        else:
            _signal.sigpending()  # a filter may refuse it: told here, before anything is started, and not by the deputy
            self._mailbox.early = set()
        mine, its = _socket.socketpair()
        self._line = HelperSocket(mine.detach())
        mailbox.listen(self._line.descriptor)
        self._line.send(("launch", self.launch.fields()))  # the warden finds it there when it begins
        message = ("domain", 1, self._descriptors, self.launch.grace)
        self._guard.start_deputy((message, [its.fileno(), -1, *self._descriptors]))
        its.close()
        self._deadline = time.monotonic() + (self.launch.timeout or float("inf"))
        blind(self._mailbox.null, 0, 1)  # a reader of what the command writes must see its end
        own = (self._mailbox.null, self._line.descriptor, self._job.terminal.descriptor)
        close_all_but(*own, *self._guard.descriptors, *self._kept)
        for met in self._guard.early:
            self._take(met, False)
        while not self._is_over():
            info = self._mailbox.wait_until(self._due())
            # all pending signals are taken before one is passed on: a sender that sees it arrive may send the next one,
            # and the kernel would merge that with an equal one that is still pending here
            self._taken = [info, *self._mailbox.take_all()] if info is not None else []
            while self._taken:
                self._take(self._taken.pop(0))
        for message, _ in self._line.receive():  # the last words of the warden, if the deputy has died with it
            self._hear(message)
        self._job.terminal.take_back()
        if self.report is None or self.report["exit_status"] is None or self._is_ending_early():
            self._job.terminal.restore_modes()

    # what is heard

    def _is_over(self) -> bool:
        """Look around once, and say whether everything is over."""
        for message, _ in self._line.receive():
            self._hear(message)
        if self._announcements.wanted and self._is_ending() and self._announcements.during_ending(time.monotonic()):
            self._request("processes")
        self._line.send()
        self._guard.look_around()
        if (self._line.closed or self._line.broken) and not self._closing:
            self._closing = True  # the warden has said its last word, or was killed
            self._guard.close()
        return self._guard.is_over

    def _hear(self, message: Message) -> None:
        name, *values = message
        if name == "started":
            self._job.started(values[0])
            self._attendant.started(values[0])
        elif name == "failed":
            self.failure = values[0]
        elif name == "exited":
            self._exited = True
            if self._job.is_suspending():
                self._key(_signal.SIGTSTP)
        elif name == "stopped":
            self._job.stopped(values[0])
        elif name == "ask":
            at_exit = self._exited and not self._is_ending_early()
            self._line.send(("spare", values[0], self._attendant.spares(values[1], at_exit)))
        elif name in ("done", "refused"):
            self._job.answered(values[0])
            if name == "done" and values[1] is not None:
                self._attendant.waiting(values[1], self._announcements.kill_at - time.monotonic())
        elif name == "ended":
            self.report = values[0]

    def _hear_guard(self, message: Message) -> None:
        """Take what guard and deputy say: about a domain without a warden, or about a signal."""
        name, number, value = message
        if name == "met" and not self._job.is_undone(number):
            if not value:
                self._pass_on(number)
            elif self._job.terminal.sends(number) and not mailbox.TELLS_SENDER:
                self._key(number)
            elif number == _signal.SIGTERM and not self._is_ending():
                self._end()  # the group was meant: the command has it, but it also starts the ending
        elif name == "failed":
            self.failure = (*value, None)
        elif name == "lost":
            self.lost = value

    # signals

    def _take(self, info: struct_siginfo, is_there: bool = True) -> None:
        """Take a signal; ``is_there``: the command may have been in this process's group when it came."""
        number = info.si_signo
        is_ours = number in (*_OURS, Mailbox.wake) and not mailbox.sent_by_another(info)
        if is_ours or number == _signal.SIGCHLD or number in self._mailbox.ignored:
            return
        is_key = self._job.terminal.sends(number)
        if number in (_signal.SIGTERM, _signal.SIGINT) and self._exited and self._is_ending():
            self._end(0.0)
        elif is_key and mailbox.sent_by_kernel(info):
            self._key(number, is_there and not terminal.is_for_leader(number))
        elif mailbox.sent_by_process(info) and (self._job.is_in_our_group() or (is_key and not mailbox.TELLS_SENDER)):
            self._job.doubted(number)
            self._guard.ask_deputy(number, mailbox.sender(info))  # ``_hear_guard`` gets the answer
        else:
            self._pass_on(number)
        if number == _signal.SIGCONT:
            self._job.continued()

    def _pass_on(self, number: int) -> None:
        if number == _signal.SIGTERM and not self._is_ending():
            self._end()
        else:
            self._request("signal", number)

    def _key(self, number: int, to_command: bool = True) -> None:
        """Take what the terminal sent to this process's group; ``to_command``: the command may have been in it."""
        if not self._exited:
            if not to_command or not self._job.is_in_our_group():
                self._request("signal", number, True)
            if number == _signal.SIGTSTP:
                self._job.suspended()
        elif self._is_ending():
            if number == _signal.SIGINT:
                self._end(0.0)
        elif number in _ENDING_KEYS:
            self._end()
        elif number == _signal.SIGTSTP and all(later.si_signo != _signal.SIGCONT for later in self._taken):
            terminal.stop_myself()

    # the ending

    def _end(self, grace: float | None = None) -> None:
        self._asked = True
        if grace is not None:
            self._announcements.kill_at = time.monotonic() + grace
        self._request("stop", grace)

    def _is_ending(self) -> bool:
        """Say whether the domain is being ended, for whatever reason."""
        return self._is_ending_early() or (self._exited and not self.launch.wait_all)

    def _is_ending_early(self) -> bool:
        return self._asked or time.monotonic() >= self._deadline

    def _due(self) -> float:
        """Return when there is something to do next, on the monotonic clock."""
        if not self._announcements.wanted:
            return self._guard.due
        rest = self._announcements.due
        return min(self._guard.due, self._deadline if rest == float("inf") else rest)

    def _request(self, name: str, *values: object) -> int:
        self._serial += 1
        self._line.send((name, self._serial, *values))
        return self._serial
