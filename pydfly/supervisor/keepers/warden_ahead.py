"""A warden that was forked ahead of its launch: the owner gives it that without any help of guard or deputy.

Guard and deputy know its domain from the start, like every other one.  The whole is in ``supervisor.warden_ahead``.

The command is not forked ahead: whatever shows its age would count from the fork.
"""

from __future__ import annotations

import _signal
import os
import time

from ..helper_socket import HelperSocket
from ..launch import Launch
from ..wire import Unpacker, pack
from . import fork_exec, mailbox
from .command_start import Given
from .own_process import let_go, name_myself, stand_alone
from .owner_requests import OwnerRequests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...ending.warden_domain import Listing
    from .mailbox import Mailbox
    from .own_process import Lifeline

IDLE = 1.0  # seconds that it waits for a launch


class Token:
    """A byte in a pipe, for owner and warden to take: the one that gets it decides whether there will be a launch."""

    def __init__(self, reading: int, writing: int) -> None:
        self.descriptors = reading, writing

    def lay_out(self) -> None:
        """Let the owner know that a launch would be heard."""
        os.write(self.descriptors[1], b"!")

    def take_back(self) -> bool:
        """Say whether the owner had not taken it; from then on it cannot."""
        try:
            return bool(os.read(self.descriptors[0], 1))
        except BlockingIOError:
            return False


def rehearse(box: Mailbox) -> None:
    """Do what a launch needs up to its fork: memory that is written to is copied now, and not when the launch comes."""
    told = Launch([b"true"], env={b"%d" % number: bytes(50) for number in range(50)}, cwd=b"/").fields()
    (message,) = Unpacker().feed(pack(("launch", told, [0, 1, 2])))
    launch = Launch(**message[1])
    os.fsdecode(os.path.basename(launch.command[0]))
    given = Given(message[2], [-1, 0, 1, 2])
    fork_exec.Child(launch, box, given.places, given.cwd, os.getpid())
    for number in os.pipe():
        os.close(number)


def wait_for_launch(
    box: Mailbox, listing: Listing, lifeline: Lifeline, descriptors: list[int]
) -> tuple[OwnerRequests, list[int], list[int]] | None:
    """Wait in a warden that was forked ahead, with those descriptors, until the owner launches its command.

    Returns:
        The talk with the owner, whose first message is the launch; its targets, and the descriptors that came with it:
        fewer if some were cut off.  None if there will be no launch.

    Raises:
        EOFError: owner, guard or deputy are gone, and the owner may believe that the launch was heard.
    """
    line, *pipe = descriptors
    channel, token = HelperSocket(line), Token(*pipe)
    stand_alone(lifeline, _signal.SIGCONT)  # stopped or not, it hears of the death of the deputy
    let_go(box.null, box.null, *lifeline.descriptors, *descriptors, *listing.descriptors)
    name_myself("pydfly-spare")
    mailbox.listen(line)
    rehearse(box)
    token.lay_out()
    due = time.monotonic() + IDLE
    while True:
        is_cut = lifeline.is_cut()  # before looking: what was launched just before the death of a deputy counts
        if heard := channel.receive():
            (first, sources), *_ = heard
            early = [("launch", first[1]), *(message for message, _ in heard[1:])]
            return OwnerRequests(channel, early), first[2], sources
        if channel.closed or is_cut or time.monotonic() >= due:
            if token.take_back():
                return None
            if channel.closed or is_cut:
                raise EOFError
            due = float("inf")  # it is on its way
        box.wait_until(due)
