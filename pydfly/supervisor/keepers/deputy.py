"""The deputy: between guard and wardens, so that no single kill leaves a line of defence of one.

It forks a warden for each domain from its own warm process, continues one that was stopped, and ends the domain of
one that was killed.  Killing one of the three leaves two that will end the domain.
"""

from __future__ import annotations

import _signal
import errno
import os
import time

from ...ending.last_resort import kill_until_gone
from ..helper_socket import CUT_OFF, HelperSocket, close_all, needed
from ..wire import error_fields
from . import mailbox
from .command_start import Given
from .keeper import FAILED, LEFT, Keeper, last_resort
from .mailbox import Witness
from .own_process import Lifeline, adopt_orphans, continue_parent, die_with_parent, let_go, name_myself
from .owner_requests import OwnerRequests
from .warden import Warden
from .wardens_ahead import WardensAhead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..wire import Message
    from .mailbox import Mailbox

    Beginning = tuple[OwnerRequests, list[int], list[int]]


class Deputy:
    """The parent of all wardens; made by the guard, because memory that is written after a fork has to be copied.

    ``above`` is the guard's keeper, whose listing and leavings this one shares; ``channel`` is the socket to the guard,
    ``control`` that to the owner, used when the guard was killed; -1 if the guard is the owner.  OSError: EMFILE,
    ENFILE of pipe(2).
    """

    def __init__(self, mailbox: Mailbox, above: Keeper, channel: HelperSocket, control: int) -> None:
        self._mailbox = mailbox
        self._keeper = Keeper(above.listing, set(), above.leavings)
        self._channel = channel
        self._control = control
        self._guard = os.getpid()
        reading, self._hold = os.pipe()  # wardens read its end when this process ends, or closes it
        self._lifeline = Lifeline(reading, above.leavings.descriptors)
        self._closing = False
        self._domains: dict[int, tuple[int, float]] = {}  # number and grace of the domain of each warden
        self._ahead = WardensAhead(self._lifeline)
        self._witness = Witness()

    def leave(self) -> None:
        """Close what belongs to the deputy, in the guard."""
        self._channel.close()
        os.close(self._lifeline.descriptor)
        os.close(self._hold)

    def stand(self, first: tuple[Message, list[int]] | None) -> None:
        """Be the deputy in a process of its own; never returns.  Descriptors of a first domain are inherited."""
        begun = False
        try:
            self._keeper.listing.renew()
            adopt_orphans()
            die_with_parent(_signal.SIGCONT, self._guard)
            begun = True
            self._run(first)
            self._continue_above()
            self._keeper.leavings.tell(self._keeper.kept)
            os._exit(LEFT if self._keeper.kept else 0)
        except BaseException as error:  # whatever it is: no process may be left
            if not begun:  # and this is why
                self._channel.send(("failed", None, error_fields(error)))
        last_resort(self._keeper)
        self._continue_above()
        os._exit(FAILED)

    def _run(self, first: tuple[Message, list[int]] | None) -> None:
        """Keep the wardens until the guard wants no more of them, or is gone, and none is left."""
        if first:
            self._start(*first)
        self._settle()
        while True:
            self._hear()
            self._ahead.hear()
            self._keeper.collect()
            self._see_to_the_dead()
            if self._is_over():
                return
            if time.monotonic() >= self._ahead.due:
                self._start_ahead()
            info = self._mailbox.wait_until(min(self._keeper.due, self._ahead.due))
            self._witness.note(info)
            if info is not None and info.si_signo == _signal.SIGCONT:  # a warden sent it: its owner is gone
                self._continue_above()

    def _settle(self) -> None:
        """Hold nothing but what this process needs."""
        kept = (*self._lifeline.descriptors, self._hold, self._channel.descriptor, self._control)
        let_go(self._mailbox.null, self._mailbox.null, *kept, *self._keeper.listing.descriptors)
        name_myself("pydfly-deputy")
        mailbox.listen(self._channel.descriptor)

    def _is_over(self) -> bool:
        return self._closing and not self._keeper.wards and not self._keeper.ending and not self._channel.unsent

    def _hear(self) -> None:
        """Take what the guard hands down; its end, or its death, is the end of every domain."""
        for message, descriptors in self._channel.receive():
            is_whole = len(descriptors) == needed(message) and not self._closing
            if message[0] == "domain" and is_whole:
                self._start(message, descriptors)
            elif message[0] == "ahead" and is_whole:
                self._ahead.add((message, descriptors))
            else:
                self._refuse(message, descriptors)
        self._channel.send()
        if (self._channel.closed or os.getppid() != self._guard) and not self._closing:
            self._closing = True
            os.close(self._hold)
            for warden in self._keeper.wards:
                os.kill(warden, _signal.SIGCONT)  # it wakes up, and sees that the lifeline is cut

    def _refuse(self, message: Message, descriptors: list[int]) -> None:
        """Start nothing, and say so; answer ("met", ...), which asks for no start."""
        close_all(descriptors)
        if message[0] == "met":
            self._tell(("met", message[1], self._witness.has_met(message[1], message[2])))
        elif message[0] in ("domain", "ahead"):
            self._tell(("failed", message[1], error_fields(OSError(errno.EMFILE, CUT_OFF))))

    def _start(self, message: Message, descriptors: list[int]) -> None:
        """Start the warden of a domain."""
        line, *others = descriptors
        self._fork(message, descriptors, lambda: (OwnerRequests(HelperSocket(line)), message[2], others))

    def _start_ahead(self) -> None:
        """Start the wardens that were ordered, now that no start is waited for."""
        from .warden_ahead import wait_for_launch  # not before: most deputies have one domain

        own = self._mailbox, self._keeper.listing, self._lifeline
        for message, sent in self._ahead.take():
            if self._closing:
                close_all(sent)
            else:
                self._fork(message, sent, lambda sent=sent: wait_for_launch(*own, sent))  # type: ignore[misc]

    def _fork(self, message: Message, descriptors: list[int], begin: Callable[[], Beginning | None]) -> None:
        """Fork a warden, and close what it was given here."""
        number, grace = message[1], message[-1]
        given = [descriptor for descriptor in descriptors if descriptor > 2]  # ``pydfly run`` has its own there
        self._mailbox.note_early()
        try:
            pid = os.fork()
        except OSError as error:
            self._tell(("failed", number, error_fields(error)))
            close_all(given)
            return
        if pid == 0:
            self._become_warden(begin)
        self._keeper.add(pid)
        self._domains[pid] = number, grace
        self._ahead.put_off(pid)
        self._tell(("warden", number, pid))
        close_all(given)

    def _become_warden(self, begin: Callable[[], Beginning | None]) -> None:
        """Be the warden, in a process of its own; never returns.

        Args:
            begin: returns the talk with the owner, which numbers the command's descriptors have, the directory to start
                in and those descriptors; None if there is nothing to be done.
        """
        status = FAILED
        listing = self._keeper.listing
        owner = warden = None
        try:
            listing.renew()  # first: the last resort must not take the other wardens for children of this process
            os.close(self._hold)
            theirs = (self._channel.descriptor, self._control, self._ahead.news)
            close_all([descriptor for descriptor in theirs if descriptor >= 0])
            # before a launch is waited for: making it takes as long as the rest of a start
            warden = Warden(self._mailbox, listing, self._lifeline)
            if (beginning := begin()) is None:
                os._exit(0)
            owner, targets, descriptors = beginning
            status = warden.run(owner, Given(targets, descriptors))
            if status == LEFT:
                self._keeper.leavings.tell(listing.pids())
        except BaseException as error:  # whatever it is: no process may be left, and no traceback is the command's
            if owner and not (warden and warden.pid):
                owner.line.send(("failed", (*error_fields(error), None)))  # nothing has begun, and this is why
        finally:
            if status not in (0, LEFT):
                kill_until_gone(listing)
            if owner is None or owner.line.closed or self._lifeline.is_cut():  # the owner may be gone
                self._continue_above()
            os._exit(status)

    def _see_to_the_dead(self) -> None:
        """End what killed wardens have left, and say so."""
        for pid, has_ended in self._keeper.dead_wards:
            number, grace = self._domains.pop(pid, (0, 0.0))
            self._ahead.died(pid)
            if has_ended:
                self._tell(("over", number, pid))
            elif number:
                self._keeper.end_orphans([number], grace)
        self._keeper.dead_wards.clear()
        if self._keeper.advance(self._tell):
            self._continue_above()

    def _continue_above(self) -> None:
        """Continue the guard if it was stopped, or the deputy if this is a warden now: what is over must end them, too.

        Not ``pydfly run``, which is stopped as a job of its shell.
        """
        deputy = self._lifeline.parent
        continue_parent((deputy, self._guard) if self._control >= 0 else (deputy,))

    def _tell(self, message: Message) -> None:
        """Tell the guard; the owner itself when there is no guard any more."""
        if os.getppid() != self._guard and self._control >= 0:
            self._channel.close()
            self._channel, self._control = HelperSocket(self._control), -1
        self._channel.send(message)
