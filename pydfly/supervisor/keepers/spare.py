"""A warden that is forked ahead, so that the next start does not have to wait for its fork.

The deputy has one for a second after each start but the first.  It is an ordinary warden that has no domain yet: when
its deputy dies, or wants no more of it, it ends.  The domain comes over a socket, as it came to the deputy.

The command is not forked ahead: it would be older than it is, for everything that tells ages.
"""

from __future__ import annotations

import _socket
import os

from ..passing import MOST, Passing, send_once
from ..wire import pack
from . import mailbox
from .domain import adopt_orphans, die_with_parent, let_go, name_myself

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable

    from ...ending.warden_domain import Listing
    from ..wire import Message
    from .domain import Lifeline
    from .mailbox import Mailbox
else:
    import _signal


class Spare:
    """A warden that was forked ahead, as its deputy sees it.

    Args:
        become: what the new process does with its end of a socket to the deputy; never returns.

    Raises:
        OSError: EAGAIN or ENOMEM of fork(2), EMFILE or ENFILE.
    """

    def __init__(self, become: Callable[[Passing], None]) -> None:
        self._socket, its = _socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self._socket.close()
            become(Passing(its.detach()))
        its.close()

    def dismiss(self) -> None:
        """Let it end."""
        self._socket.close()

    def hand_over(self, message: Message, descriptors: list[int]) -> bool:
        """Give it a domain, and say whether it has it; if not it ends.  The descriptors stay open here.

        Args:
            message: ("domain", number, targets, grace).
            descriptors: those that came with it.
        """
        data = pack(message)
        try:
            return len(descriptors) <= MOST and send_once(self._socket, data, descriptors) == len(data)
        except OSError:  # it was killed
            return False
        finally:
            self._socket.close()


def wait_for_domain(
    box: Mailbox, listing: Listing, lifeline: Lifeline, channel: Passing
) -> tuple[Message, list[int]] | None:
    """Wait in a warden that was forked ahead until the deputy hands a domain over.

    Returns:
        The message that the deputy got, and its descriptors; None if there will be no domain.
    """
    lifeline.renew()
    adopt_orphans()
    die_with_parent(_signal.SIGCONT, lifeline.parent)
    let_go(box.null, box.null, lifeline.descriptor, channel.descriptor, *listing.descriptors)
    name_myself("pydfly-spare")
    mailbox.listen(channel.descriptor)
    while True:
        is_cut = lifeline.is_cut()  # before looking: what a deputy has handed over just before its death counts
        for domain in channel.receive():
            return domain
        if is_cut or channel.closed:
            return None
        box.wait(None)
