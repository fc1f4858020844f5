"""One domain in the foreground: this process is its owner and its guard, as ``pydfly run`` is.

Signals that come are passed on to the command over the line.
"""

from __future__ import annotations

import os

from . import mailbox, terminal
from .domain import close_all_but, hide_environment, protect_myself
from .guard import Guard
from .keeper import last_resort
from .line import Line
from .mailbox import Mailbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from signal import struct_siginfo
    from typing import Any

    from .launch import Launch
    from .wire import Message
else:
    import _signal

_NOT_FORWARDED = {_signal.SIGCHLD, _signal.SIGIO}  # about this process itself
_ENDING_KEYS = (_signal.SIGINT, _signal.SIGQUIT, _signal.SIGHUP)  # of a terminal, or of its loss


class Foreground:
    """The command, its domain, and what is known of them.

    Args:
        launch: what to run.
        descriptors: those that the command gets, under their own numbers.
        kept: those that this process needs besides.
    """

    def __init__(self, launch: Launch, descriptors: list[int], kept: tuple[int, ...] = ()) -> None:
        self.launch = launch
        self.failure: tuple[str, int | None, str, str | None] | None = None  # why the command was not started
        self.report: dict[str, Any] | None = None
        self.lost: list[dict[str, Any]] | None = None  # who is left, when the warden was killed
        self.trouble: BaseException | None = None
        self.exited = False
        self._descriptors = descriptors
        self._kept = kept
        self._serial = 0
        self._closing = False
        self._mailbox = Mailbox()
        self._terminal = terminal.Foreground()
        self._guard = Guard(self._mailbox, self._hear_of_loss)

    def run(self) -> None:
        """Start the command, and come back when no process of its domain is left, or only those that stay.

        ``trouble`` is set if anything went wrong in this process; the domain was ended all the same, then.
        """
        try:
            self._run()
        except BaseException as error:  # whatever it is: no process may be left
            self.trouble = error
            last_resort(self._guard.keeper)

    def _run(self) -> None:
        import _socket

        hide_environment()
        protect_myself()
        mine, its = _socket.socketpair()
        message = ("domain", 1, self._descriptors, self.launch.grace)
        self._guard.start_deputy((message, [its.fileno(), -1, *self._descriptors]))
        its.close()
        mine.setblocking(False)
        self._line = Line(mine.detach())
        mailbox.listen(self._line.descriptor)
        self._line.send(("launch", self.launch.fields()))
        for standard in (0, 1):  # a reader of what the command writes must see its end
            os.dup2(self._mailbox.null, standard)
        close_all_but(self._mailbox.null, self._line.descriptor, *self._guard.descriptors, *self._kept)
        while not self._is_over():
            info = self._mailbox.wait_until(self._guard.due)
            if info is not None:
                self._take(info)
        self._terminal.take_back()

    def _is_over(self) -> bool:
        """Look around once, and say whether everything is over."""
        for message in self._line.receive():
            self._hear(message)
        self._line.send()
        self._guard.look_around()
        if (
            self._line.closed or self._line.broken
        ) and not self._closing:  # the warden has said its last word, or was killed
            self._closing = True
            self._guard.close()
        return self._guard.is_over

    def _hear(self, message: Message) -> None:
        name, *values = message
        if name == "failed":
            self.failure = values[0]
        elif name == "exited":
            self.exited = True
        elif name == "stopped":
            if self._terminal.exists:
                terminal.stop_myself()
        elif name == "ended":
            self.report = values[0]

    def _hear_of_loss(self, message: Message) -> None:
        """Take what deputy and guard say of a domain whose warden was killed, or never was."""
        name, _, value = message
        if name == "failed":
            self.failure = (*value, None)
        else:
            self.lost = value

    def _take(self, info: struct_siginfo) -> None:
        """Pass a signal on, unless the terminal sent it: the command, in the same process group, has it then."""
        number = info.si_signo
        if number in _NOT_FORWARDED or number in self._mailbox.ignored:
            return
        if number == _signal.SIGTERM:
            self._request("stop", None)
        elif terminal.sent_by_terminal(info):
            if self.exited and number in _ENDING_KEYS:
                self._request("stop", None)
            elif self.exited and number == _signal.SIGTSTP:
                terminal.stop_myself()
        else:
            self._request("signal", number)

    def _request(self, name: str, value: object) -> None:
        self._serial += 1
        self._line.send((name, self._serial, value))
