"""The deputy: between guard and wardens, so that no single kill leaves a line of defence of one.

It forks a warden for each domain from its own warm process, continues one that was stopped, and ends the domain of
one that was killed.  Killing one of the three leaves two that will end the domain.
"""

from __future__ import annotations

import errno
import os
import time

from ..passing import Passing, close_all, needed
from ..wire import error_fields
from . import mailbox
from .conversation import Conversation
from .domain import Lifeline, adopt_orphans, die_with_parent, let_go, name_myself
from .keeper import FAILED, LEFT, Keeper, last_resort
from .mailbox import Witness
from .warden import Warden

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable

    from ...ending.warden_domain import Listing
    from ..wire import Message
    from .mailbox import Mailbox
    from .spare import Spare
else:
    import _signal

PAUSE = 0.002  # seconds after a start until a warden is forked ahead: that start comes first
IDLE = 1.0  # seconds that it waits for a domain


class Deputy:
    """The parent of all wardens; made by the guard, since whatever is written after a fork has to be copied.

    Args:
        mailbox: where everything arrives.
        listing: how this system lists the children of the calling process.
        channel: the socket to the guard.
        control: the socket to the owner, used when the guard was killed; -1 if the guard is the owner.

    Raises:
        OSError: EMFILE, ENFILE of pipe(2).
    """

    def __init__(self, mailbox: Mailbox, listing: Listing, channel: Passing, control: int) -> None:
        self._mailbox = mailbox
        self._keeper = Keeper(listing, set())
        self._channel = channel
        self._control = control
        self._guard = os.getpid()
        reading, self._hold = os.pipe()  # wardens read its end when this process ends, or closes it
        self._lifeline = Lifeline(reading)
        self._closing = False
        self._domains: dict[int, tuple[int, float]] = {}  # number and grace of the domain of each warden
        self._lost: list[int] = []  # numbers of the domains whose orphans are being ended
        self._grace = 0.0
        self._starts = 0
        self._starts_before = 0  # the last spare was forked
        self._spare: Spare | None = None  # a warden for the next domain
        self._spare_due = float("inf")  # when it is to be forked, or ended
        self._witness = Witness()

    def leave(self) -> None:
        """Close what belongs to the deputy, in the guard."""
        self._channel.close()
        os.close(self._lifeline.descriptor)
        os.close(self._hold)

    def stand(self, first: tuple[Message, list[int]] | None) -> None:
        """Be the deputy in a process of its own; never returns.

        Args:
            first: a domain to start at once, whose descriptors are inherited.
        """
        begun = False
        try:
            self._keeper.listing.renew()
            begun = True
            self._run(first)
            os._exit(LEFT if self._keeper.kept else 0)
        except BaseException as error:  # whatever it is: no process may be left
            if not begun:  # and this is why
                self._channel.send(("failed", None, error_fields(error)))
        last_resort(self._keeper)
        os._exit(FAILED)

    def _run(self, first: tuple[Message, list[int]] | None) -> None:
        """Keep the wardens until the guard wants no more of them, or is gone, and none is left."""
        adopt_orphans()
        die_with_parent(_signal.SIGCONT, self._guard)
        if first:
            self._start(*first)
        self._settle()
        while True:
            self._hear()
            self._keeper.collect()
            self._see_to_the_dead()
            if self._is_over():
                return
            if time.monotonic() >= self._spare_due:
                self._change_spare()
            self._witness.note(self._mailbox.wait_until(min(self._keeper.due, self._spare_due)))

    def _settle(self) -> None:
        """Hold nothing but what this process needs."""
        kept = (self._lifeline.descriptor, self._hold, self._channel.descriptor, self._control)
        let_go(self._mailbox.null, self._mailbox.null, *kept, *self._keeper.listing.descriptors)
        name_myself("pydfly-deputy")
        mailbox.listen(self._channel.descriptor)

    def _is_over(self) -> bool:
        return self._closing and not self._keeper.wards and not self._keeper.ending and not self._channel.unsent

    def _hear(self) -> None:
        """Take what the guard hands down; its end, or its death, is the end of every domain."""
        for message, descriptors in self._channel.receive():
            if message[0] == "domain" and len(descriptors) == needed(message) and not self._closing:
                self._start(message, descriptors)
                continue
            close_all(descriptors)
            if message[0] == "met":
                self._tell(("met", message[1], self._witness.has_met(message[1], message[2])))
            elif message[0] == "domain":
                error = OSError(errno.EMFILE, "the descriptors of the command did not arrive: too many are open")
                self._tell(("failed", message[1], error_fields(error)))
        self._channel.send()
        if (self._channel.closed or os.getppid() != self._guard) and not self._closing:
            self._closing = True
            os.close(self._hold)
            for warden in self._keeper.wards:
                os.kill(warden, _signal.SIGCONT)  # it looks at the lifeline then

    def _start(self, message: Message, descriptors: list[int]) -> None:
        """Start the warden of a domain."""
        _, number, _, grace = message
        spare, self._spare = self._spare, None
        if spare and spare.pid in self._keeper.wards and spare.hand_over(message, descriptors):
            pid = spare.pid
        else:
            try:
                pid = os.fork()
            except OSError as error:
                self._tell(("failed", number, error_fields(error)))
                close_all(descriptors)
                return
            if pid == 0:
                self._become_warden(lambda: (message, descriptors))
            self._keeper.add(pid)
        self._starts += 1
        if self._starts > 1:  # there may be more; ``supervise()`` and ``pydfly run`` have one
            self._spare_due = time.monotonic() + PAUSE
        self._domains[pid] = number, grace
        self._tell(("warden", number, pid))
        close_all([number for number in descriptors if number > 2])

    def _change_spare(self) -> None:
        """Fork a warden for the next domain, now that no start is waited for, or end one that was not needed."""
        self._spare_due = float("inf")
        if self._spare:
            self._spare.dismiss()
        self._spare = None
        if self._closing or self._starts == self._starts_before:
            return
        self._starts_before = self._starts
        try:
            from .spare import Spare, wait_for_domain  # not before: most deputies have one domain

            own = self._mailbox, self._keeper.listing, self._lifeline
            self._spare = Spare(lambda channel: self._become_warden(lambda: wait_for_domain(*own, channel)))
            self._keeper.add(self._spare.pid)
            self._spare_due = time.monotonic() + IDLE
        except (OSError, ImportError):  # without it the next start only takes longer
            return

    def _become_warden(self, wait: Callable[[], tuple[Message, list[int]] | None]) -> None:
        """Be the warden, in a process of its own; never returns.

        Args:
            wait: returns the message that names the domain, and its descriptors; None if there is none.
        """
        status = FAILED
        listing = self._keeper.listing
        owner = warden = None
        try:
            listing.renew()  # first: the last resort must not take the other wardens for children of this process
            os.close(self._hold)
            os.close(self._channel.descriptor)
            if self._control >= 0:
                os.close(self._control)
            if (domain := wait()) is None:
                os._exit(0)
            (_, _, targets, _), (line, cwd, *sources) = domain
            owner = Conversation(line)
            self._lifeline.renew()
            places = dict(zip(targets, sources, strict=True))
            warden = Warden(self._mailbox, listing, owner, self._lifeline, places, None if cwd < 0 else cwd)
            status = warden.run()
        except BaseException as error:  # whatever it is: no process may be left, and no traceback is the command's
            if owner and not (warden and warden.pid):
                owner.line.send(("failed", (*error_fields(error), None)))  # nothing has begun, and this is why
        finally:
            if status not in (0, LEFT):
                last_resort(Keeper(listing, set()))
            os._exit(status)

    def _see_to_the_dead(self) -> None:
        """End what killed wardens have left, and say so."""
        for pid, status in self._keeper.dead_wards:
            number, grace = self._domains.pop(pid, (0, 0.0))
            if number and (not os.WIFEXITED(status) or os.WEXITSTATUS(status) not in (0, LEFT)):
                self._lost.append(number)
                self._grace = max(self._grace, grace)
                self._keeper.end_orphans(self._grace)
        self._keeper.dead_wards.clear()
        if self._keeper.advance():
            survivors = self._keeper.survivors
            for number in self._lost:
                self._tell(("lost", number, [survivor._asdict() for survivor in survivors]))
            self._lost, self._grace = [], 0.0

    def _tell(self, message: Message) -> None:
        """Tell the guard; the owner itself when there is no guard any more."""
        if os.getppid() != self._guard and self._control >= 0:
            self._channel.close()
            self._channel, self._control = Passing(self._control), -1
        self._channel.send(message)
