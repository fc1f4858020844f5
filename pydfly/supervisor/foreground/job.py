"""The command as a job of the shell that started this process: which has the terminal, and which is stopped.

For Ctrl-Z, ``Foreground`` takes the signal and tells this module; the warden tells that the command has stopped; then
this process stops itself by ``terminal.stop_myself``.

Stops and continuations come by two ways that overtake each other: the terminal and the shell signal this process, and
the warden tells a moment later what became of the command.  A shell can say ``fg`` in that moment: it takes the job
for stopped as soon as its own child is, which need not be this process.  Stopping then, for a stop that is over, would
leave a job stopped that the shell has just continued.  So each SIGCONT is followed by a request to the warden, and
a stop that the warden tells before its answer is not acted upon.  The deputy, too, may say only after a SIGCONT whether
a stop signal before that was for the whole group: by then that signal is undone.
"""

from __future__ import annotations

import _signal
import os

from .terminal import Terminal, is_continued, stop_myself

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_WANTS_TERMINAL = {_signal.SIGTTIN, _signal.SIGTTOU}
_STOPS: set[int] = {_signal.SIGTSTP, *_WANTS_TERMINAL}


class Job:
    """The command, as a shell's job.

    ``request`` sends the warden a request, and returns its serial number.
    """

    def __init__(self, request: Callable[..., int]) -> None:
        self.terminal = Terminal()
        self.own_group = not self.terminal.was_ours
        """Whether the command gets a process group of its own."""
        self._request = request
        self._command = 0
        self._asked = 0  # the request that followed the last SIGCONT, until it is answered
        self._pressed = 0  # the request that followed the last Ctrl-Z, until it is answered
        self._questions = 0  # how many more such requests are to follow
        self._in_doubt = dict.fromkeys(_STOPS, 0)  # of how many stops it is asked whether the group was meant
        self._undone = dict.fromkeys(_STOPS, 0)  # how many of those, the first ones, came before the last SIGCONT

    def started(self, command: int) -> None:
        """Take the pid of the command, which was executed."""
        self._command = command

    def is_in_our_group(self) -> bool:
        """Say whether a signal to the process group of this process reaches the command."""
        try:
            return not self.own_group and (self._command == 0 or os.getpgid(self._command) == os.getpgrp())
        except ProcessLookupError:  # it has just ended
            return False

    def continued(self) -> None:
        """A SIGCONT was taken and passed on: news of earlier stops is out of date."""
        self._asked = self._request("signal", 0)
        self._pressed = 0
        self._undone = self._in_doubt.copy()

    def doubted(self, number: int) -> None:
        """The deputy is asked whether this signal was for the whole group."""
        if number in _STOPS:
            self._in_doubt[number] += 1

    def is_undone(self, number: int) -> bool:
        """The deputy has answered: say whether a SIGCONT has come since, so that there is nothing more to do."""
        if not self._in_doubt.get(number):
            return False
        self._in_doubt[number] -= 1
        if not self._undone[number]:
            return is_continued()
        self._undone[number] -= 1
        return True

    def suspended(self) -> None:
        """Ctrl-Z was pressed.  The command may have died just before, and the warden has not told so yet.

        It does that before it answers a second question at the latest: it answers first, and then collects the dead.
        """
        self._questions = 1
        self._pressed = self._request("signal", 0)

    def is_suspending(self) -> bool:
        """Say whether nothing has come of the last Ctrl-Z yet, so that the command may have been dead before."""
        return self._pressed != 0

    def answered(self, serial: int) -> None:
        """The warden has answered a request."""
        if serial == self._asked:
            self._asked = 0
        if serial == self._pressed:
            self._pressed = self._request("signal", 0) if self._questions else 0
            self._questions = 0

    def stopped(self, number: int) -> None:
        """Stop by this signal as the command did, being the shell's job; or lend it the terminal that it waits for."""
        self._pressed = 0
        if not self.terminal.exists:
            return
        if self.own_group and number in _WANTS_TERMINAL and self.terminal.is_ours():
            self._hand_on()
        elif not self._asked:
            self.terminal.take_back()
            stop_myself(number, self.own_group)
            if self.own_group:
                # that SIGCONT was for this process.  Passed on as well, and later than the one of ``_hand_on``, it
                # could undo the next Ctrl-Z
                while is_continued():
                    _signal.sigwait([_signal.SIGCONT])
                self._undone = self._in_doubt.copy()
                self._hand_on()

    def _hand_on(self) -> None:
        """Give the command the terminal, if it is in the foreground, and continue it."""
        if self.terminal.is_ours():
            self.terminal.lend(self._command)
        self._request("signal", _signal.SIGCONT, True)
