"""What a service says of itself: that it is ready, in either way, and what sd_notify(3) carries besides."""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...structs import DescendantInfo
    from ..launch import Launch
    from .event_loop import EventLoop
    from .guard_domains import OwnedDomain
    from .notify_socket import Notice, NotifySocket

NOTIFY = "notify"
_PIECE = 65536


class Readiness:
    """The way by which a service tells that it is ready.

    ``way`` is ``notify``, a descriptor of the command, or None if it tells nothing.
    """

    def __init__(self, loop: EventLoop, way: str | int | None, ready: Callable[[], None]) -> None:
        self.main_pid: int | None = None
        """The process that it has named with MAINPID=."""
        self.text = ""
        """What it has said with STATUS=."""
        self._loop = loop
        self._way = way
        self._ready = ready
        self._pipe = -1
        self._socket: NotifySocket | None = None
        self._domain: OwnedDomain | None = None

    @contextlib.contextmanager
    def expected(self, targets: dict[int, int], launch: Launch) -> Iterator[dict[int, int]]:
        """Open the way for a run, and give the descriptors that the command gets; OSError: there are none left."""
        self.text, self.main_pid = "", None
        if self._way == NOTIFY:
            self._listen(launch)
        if not isinstance(self._way, int):
            yield targets
            return
        self._pipe, its = os.pipe()
        os.set_blocking(self._pipe, False)
        self._loop.watch(self._pipe, self._read)
        try:
            yield {**targets, self._way: its}
        finally:
            os.close(its)

    def follow(self, domain: OwnedDomain) -> None:
        """Believe the members of this domain from now on."""
        self._domain = domain

    def end(self) -> None:
        """Close what belongs to one run."""
        self._domain = self.main_pid = None
        if self._pipe >= 0:
            self._loop.forget(self._pipe)
            os.close(self._pipe)
            self._pipe = -1

    def close(self) -> None:
        """Close everything."""
        self.end()
        if self._socket:
            self._socket.close()

    def _read(self) -> None:
        """A line on the descriptor means ready, as s6 has it."""
        try:
            data = os.read(self._pipe, _PIECE)
        except BlockingIOError:
            return
        if not data or b"\n" in data:
            self._loop.forget(self._pipe)
            os.close(self._pipe)
            self._pipe = -1
        if b"\n" in data:
            self._ready()

    def _listen(self, launch: Launch) -> None:
        from .notify_socket import VARIABLE, NotifySocket

        if self._socket is None:
            self._socket = NotifySocket(self._loop, self._notified)
            launch.set_variable(VARIABLE.encode(), self._socket.variable.encode())

    def _notified(self, notice: Notice) -> None:
        domain = self._domain
        if domain:
            domain.ask_members(lambda members: self._believe(domain, notice, members))

    def _believe(self, domain: OwnedDomain, notice: Notice, members: list[DescendantInfo]) -> None:
        """Take a notice if its sender, or an ancestor of that, is a member."""
        pids = {str(member.pid): member.pid for member in members}
        if domain is not self._domain or set(pids.values()).isdisjoint(notice.lineage):
            return
        self.text = notice.values.get("STATUS", self.text)
        # compared as text: int() refuses thousands of digits, which any service may send
        self.main_pid = pids.get(notice.values.get("MAINPID", ""), self.main_pid)
        if notice.values.get("READY") == "1":
            self._ready()
