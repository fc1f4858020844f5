"""The guard: stands at the top, hands domains down to its deputy, and takes over when the deputy is killed."""

from __future__ import annotations

import _signal
import _socket
import gc
import os

from ...ending import warden_domain
from ..helper_socket import HelperSocket, close_all, try_calls
from ..wire import error_fields
from . import mailbox
from .deputy import Deputy
from .keeper import Keeper
from .mailbox import Mailbox
from .own_process import adopt_orphans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from signal import struct_siginfo

    from ..wire import Message


class Guard:
    """The parent of the deputy; OSError: something that an ending may need is missing here, so nothing is started.

    Args:
        tell: what is done with news for the owners of domains: ("failed", ...), ("lost", ...), ("deputy", ...).
        control: the socket to the owner, which the deputy needs if this process is killed; -1 if it is the owner.
    """

    def __init__(self, box: Mailbox, tell: Callable[[Message], object], control: int = -1) -> None:
        self._mailbox = box
        self._tell = tell
        self._control = control
        try_calls()
        self.keeper = Keeper(warden_domain.listing())
        self._channel: HelperSocket | None = None
        self._deputy = 0
        self._domains: dict[int, tuple[int, float]] = {}  # number and grace of the domain of each warden
        self._graces: dict[int, float] = {}  # of domains whose warden is not known yet
        self.early: list[struct_siginfo] = []
        """Signals that came before the last deputy was forked; none where the mailbox does not care for these."""
        adopt_orphans()

    def start_deputy(self, first: tuple[Message, list[int]] | None = None) -> None:
        """Fork a deputy, which inherits the descriptors of a first domain and starts that at once.

        OSError: EAGAIN, ENOMEM, EMFILE: there is no process, memory or descriptor left.
        """
        mine, its = (HelperSocket(end.detach()) for end in _socket.socketpair())
        try:
            deputy = Deputy(self._mailbox, self.keeper, its, self._control)
        except OSError:
            mine.close()
            its.close()
            raise
        gc.freeze()  # a collection in a helper would touch, and so copy, what all of them share
        self.early = [] if self._mailbox.early is None else self._mailbox.take_all()
        try:
            pid = os.fork()
        except OSError:
            mine.close()
            deputy.leave()
            raise
        if pid == 0:
            os.close(mine.descriptor)
            deputy.stand(first)
        deputy.leave()
        self._deputy = pid
        self.keeper.add(pid)
        self._channel = mine
        mailbox.listen(self._channel.descriptor)
        self._tell(("deputy", None, pid))
        if first:
            self._graces[first[0][1]] = first[0][3]

    def hand_down(self, message: Message, descriptors: list[int]) -> None:
        """Have a warden started by ("domain", ...) or ("ahead", ...); the descriptors are closed here."""
        if self._channel is None:
            try:
                self.start_deputy()
            except OSError as error:
                close_all(descriptors)
                self._tell(("failed", message[1], error_fields(error)))
                return
        assert self._channel
        self._graces[message[1]] = message[-1]
        self._channel.send(message, descriptors)

    def look_around(self) -> None:
        """Hear the deputy, collect the dead, and take the step that is due: all of it for a bounded time."""
        self._hear_deputy()
        self.keeper.collect()
        for pid, has_ended in self.keeper.dead_wards:
            if pid == self._deputy:
                self._deputy_died()
            elif pid in self._domains:
                number, grace = self._domains.pop(pid)
                if not has_ended:
                    self.keeper.end_orphans([number], grace)
        self.keeper.dead_wards.clear()
        self.keeper.advance(self._tell)

    def close(self) -> None:
        """Have every domain ended, and the deputy end itself; it is heard until then."""
        if self._channel is not None:
            self._channel.finish()

    @property
    def due(self) -> float:
        """When there is something to do next, on the monotonic clock."""
        return self.keeper.due

    @property
    def is_over(self) -> bool:
        """Whether neither deputy nor warden is left, nor anything that they have left behind."""
        return not self.keeper.wards and not self.keeper.ending

    @property
    def descriptors(self) -> tuple[int, ...]:
        """The descriptors that this process needs as a guard."""
        own = () if self._channel is None else (self._channel.descriptor,)
        return *own, *self.keeper.listing.descriptors, *self.keeper.leavings.descriptors

    def _hear_deputy(self) -> None:
        if self._channel is None:
            return
        self._channel.send()
        for message, _ in self._channel.receive():
            name, number, *values = message
            if name == "warden":
                self._domains[values[0]] = number, self._graces.pop(number, 0.0)
            elif name == "over":
                self._domains.pop(values[0], None)
            elif name == "met":
                self._tell(message)
            else:
                self._graces.pop(number, None)
                self._forget(number)
                self._tell(message)

    def ask_deputy(self, number: int, sender: int) -> None:
        """Ask whether the deputy has got this signal, too; the answer is ("met", number, whether)."""
        if self._channel is None:
            self._tell(("met", number, False))
        else:
            self._channel.send(("met", number, sender))

    def _forget(self, number: int) -> None:
        for pid in [pid for pid, domain in self._domains.items() if domain[0] == number]:
            del self._domains[pid]

    def _deputy_died(self) -> None:
        """Adopt its wardens, which end their domains now, and end what killed ones have left."""
        self._hear_deputy()
        assert self._channel
        self._channel.close()
        self._channel = None
        children = set(self.keeper.listing.pids())
        orphaned = [domain for pid, domain in self._domains.items() if pid not in children]
        orphaned += self._graces.items()  # handed down, and nothing was heard of a warden
        self._graces.clear()
        for pid in self._domains.keys() & children:
            self.keeper.add(pid)
            # wait may have told of its stop before it was a ward, and would not tell again
            os.kill(pid, _signal.SIGCONT)
        self._domains = {pid: domain for pid, domain in self._domains.items() if pid in children}
        if any(pid not in self.keeper.kept for pid in children):
            grace = max([grace for _, grace in orphaned], default=0.0)
            self.keeper.end_orphans([number for number, _ in orphaned], grace)
        else:
            for number, _ in orphaned:
                self._tell(("lost", number, []))
