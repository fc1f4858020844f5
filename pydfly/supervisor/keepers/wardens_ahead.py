"""The wardens that were ordered ahead of their launch, and when to fork them: not while a start is waited for."""

from __future__ import annotations

import os
import time

from . import mailbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..wire import Message
    from .own_process import Lifeline

    Order = tuple[Message, list[int]]

PAUSE = 0.002  # seconds after a start until a warden is forked ahead, if that start does not tell of its end
LONGEST = 0.02  # seconds that the end of a start is waited for


class WardensAhead:
    """What a deputy has put off; wardens tell over the pipe of their lifeline that a start is over."""

    def __init__(self, lifeline: Lifeline) -> None:
        self.due = float("inf")
        """When they are to be forked, on the monotonic clock."""
        self.news = -1
        """The pipe that tells of the end of starts; made for the first order."""
        self._lifeline = lifeline
        self._orders: list[Order] = []
        self._starting = 0  # the warden whose start is waited for

    def add(self, order: Order) -> None:
        """Take ("ahead", ...) and its descriptors."""
        self._orders.append(order)
        self.due = time.monotonic() + (LONGEST if self._starting else PAUSE)

    def put_off(self, warden: int) -> None:
        """Wait for the start of another warden, which was just forked."""
        self._starting = warden if self.news >= 0 else 0
        if self._orders:
            self.due = time.monotonic() + (LONGEST if self._starting else PAUSE)

    def hear(self) -> None:
        """Put nothing off any longer if a start is over."""
        try:
            if self.news >= 0 and os.read(self.news, 4096):
                self._end_start()
        except BlockingIOError:
            return

    def died(self, warden: int) -> None:
        """Take note that a warden has ended."""
        if warden == self._starting:
            self._end_start()

    def take(self) -> list[Order]:
        """Return what is to be forked now."""
        self.due = float("inf")
        if self.news < 0:
            self._open_news()
        orders, self._orders = self._orders, []
        return orders

    def _end_start(self) -> None:
        self._starting = 0
        if self._orders:
            self.due = 0.0

    def _open_news(self) -> None:
        try:
            self.news, self._lifeline.news = os.pipe()
        except OSError:  # the next ones are forked after a pause, then
            return
        os.set_blocking(self._lifeline.news, False)
        mailbox.listen(self.news)
