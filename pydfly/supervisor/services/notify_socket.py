"""$NOTIFY_SOCKET: what a service tells of itself, as sd_notify(3) sends it.

Any process may send to such a socket.  Only members of the service's domain are heard: the kernel says which process
has sent a datagram, its ancestors are read at once (it may be gone a moment later), and the warden is asked for the
members.  The socket is in Linux's abstract name space: it needs no file that a kill could leave behind, and a service
in a chroot or of another user reaches it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Callable

from ...named_tuple import NamedTuple
from .event_loop import EventLoop

VARIABLE = "NOTIFY_SOCKET"
AVAILABLE = sys.platform.startswith("linux")
"""Only Linux tells the process that has sent a datagram."""

_MOST = 65536  # bytes of a datagram, as systemd takes them
_CREDENTIALS = struct.Struct("iII")
_DESCRIPTOR = struct.Struct("i")


class Notice(NamedTuple):
    """One datagram."""

    lineage: list[int]
    """Pids of the sender and its ancestors, up to this process."""
    values: dict[str, str]
    """``READY``, ``STATUS``, ``STOPPING``, ``MAINPID`` and whatever else was assigned."""


class NotifySocket:
    """The socket of one service; ``take`` is called with each notice of a descendant of this process."""

    def __init__(self, loop: EventLoop, take: Callable[[Notice], None]) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self.address = f"pydfly-{os.getpid()}-{os.urandom(8).hex()}"
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._socket.bind("\0" + self.address)
        except BaseException:
            self._socket.close()
            raise
        self._take = take
        self._loop = loop
        loop.watch(self._socket.fileno(), self._hear)

    @property
    def variable(self) -> str:
        """The value of $NOTIFY_SOCKET."""
        return "@" + self.address

    def close(self) -> None:
        """Hear nothing more."""
        self._loop.forget(self._socket.fileno())
        self._socket.close()

    def _hear(self) -> None:
        for _ in range(100):  # a flood must not keep this process from its other work; poll tells of the rest
            try:
                data, ancillary, _flags, _ = self._socket.recvmsg(_MOST, 4096)
            except BlockingIOError:
                return
            sender = 0
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    sender = _CREDENTIALS.unpack_from(content)[0]
                elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    _close_all(content)  # BARRIER=1: its end tells the sender that this was read
            lineage = ancestors(sender)
            if lineage and lineage[-1] == os.getpid():
                self._take(Notice(lineage[:-1], parse(data)))


def parse(data: bytes) -> dict[str, str]:
    """Return the assignments of a datagram; lines that are none are left out."""
    values = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        name, equals, value = line.partition("=")
        if equals and name:
            values[name] = value
    return values


def ancestors(pid: int) -> list[int]:
    """Return a process and its ancestors up to this process; empty if it is gone or no descendant."""
    own = os.getpid()
    lineage = []
    while pid > 1 and pid != own and pid not in lineage:
        lineage.append(pid)
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return []
    return [*lineage, own] if pid == own else []


def _close_all(content: bytes) -> None:
    for (descriptor,) in _DESCRIPTOR.iter_unpack(content[: len(content) // 4 * 4]):
        with contextlib.suppress(OSError):
            os.close(descriptor)
