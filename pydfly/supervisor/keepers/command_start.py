"""The command between fork and exec, as the warden sees it; not waited for, because a dead file system may block it."""

from __future__ import annotations

import errno
import os
import time

from ..helper_socket import CUT_OFF
from . import fork_exec, mailbox
from .own_process import let_go
from .warden_states import EXECUTED, REFUSED

SETTLING = 0.005  # seconds that processor and memory are left to the command, if its exec takes so long

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..launch import Launch
    from .mailbox import Mailbox


class Given:
    """The descriptors that a command is given, as they are here; OSError: EMFILE, some are missing.

    Args:
        targets: their numbers in the command; a negative one for what the warden only holds open until it ends.
        descriptors: of the directory to start in, -1 for the current one; then one for each target.
    """

    def __init__(self, targets: list[int], descriptors: list[int]) -> None:
        if len(descriptors) != 1 + len(targets):
            raise OSError(errno.EMFILE, CUT_OFF)
        self.cwd = None if descriptors[0] < 0 else descriptors[0]
        given = list(zip(targets, descriptors[1:], strict=True))
        self.places = {number: descriptor for number, descriptor in given if number >= 0}
        self.held = [descriptor for number, descriptor in given if number < 0]


class CommandStart:
    """A command that was forked.

    OSError: EAGAIN, ENOMEM, no process or memory is left; EMFILE, ENFILE, no descriptor.
    """

    def __init__(self, launch: Launch, box: Mailbox, given: Given) -> None:
        leave = os.setpgrp if launch.is_job else os.setsid
        self.pid, self._told = fork_exec.start(launch, box, leave, given.places, given.cwd, mailbox.listen)
        self.failure: tuple[str, int | None, str, str | None] | None = None
        """What refused it."""
        self._settling = time.monotonic() + SETTLING  # when ``settle`` is due at the latest
        self._box = box
        self._held = given.held

    def settle(self, is_awaited: bool, kept: Iterable[int]) -> float:
        """Close what only the command needs, once; return when to come back for it, on the monotonic clock.

        ``is_awaited``: the processor is left to the exec, and to the owner that waits for it, for a moment.
        """
        is_done = self._settling == float("inf")
        if not is_done and not (is_awaited and time.monotonic() < self._settling):
            self._settling = float("inf")
            let_go(self._box.null, *self.descriptors, *self._held, *kept)
        return self._settling

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What this needs to stay open."""
        return (self._told,) if self._told >= 0 else ()

    def event(self) -> str | None:
        """Return EXECUTED or REFUSED, once; None while nothing is known, and later."""
        if self._told < 0:
            return None
        try:
            data = os.read(self._told, 65536)
        except BlockingIOError:
            return None
        os.close(self._told)
        self._told = -1
        self.failure = fork_exec.outcome(data)
        return EXECUTED if self.failure is None else REFUSED
