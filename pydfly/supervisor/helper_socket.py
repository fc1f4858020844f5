"""A helper's end of a socket: messages, some with descriptors (SCM_RIGHTS), without ever waiting for the other end."""

from __future__ import annotations

import _socket  # socket itself takes longer to load than everything here
import errno
import os
import sys

from .keepers import mailbox
from .wire import GarbageError, Unpacker, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import Message

MOST = 250  # descriptors with one piece of data: the kernel takes 253
_MOST_MESSAGES = 100  # in one go, so that there is time for everything else; and so many pieces
_PIECES = 64
_PIECE = 65536
_AHEAD = 3  # descriptors of a warden that is started ahead: wire.py
_INT = 4  # bytes of an int in C
_CLOSE_ON_EXEC = getattr(_socket, "MSG_CMSG_CLOEXEC", 0)
CUT_OFF = "the descriptors of the command did not arrive: too many are open"
# CMSG_SPACE, not CMSG_LEN: FreeBSD cuts the descriptors off where the padding has no room
_ROOM = _socket.CMSG_SPACE(MOST * _INT)


def needed(message: Message) -> int:
    """Return how many descriptors come with a message."""
    name = message[0]
    if name in ("domain", "service"):
        return 2 + len(message[2])
    if name == "launch" and len(message) > 2:
        return 1 + len(message[2])
    return _AHEAD if name == "ahead" else 0


class HelperSocket:
    """One end of a connected stream socket, which is made non-blocking."""

    def __init__(self, descriptor: int) -> None:
        # DragonFly does not tell the family, and a filter of system calls may refuse to tell the rest
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, descriptor)
        self._socket.setblocking(False)
        self.descriptor = descriptor
        """-1 after ``close``."""
        self.closed = False  # the other end is gone, or has finished, and everything that it has sent was received
        self.broken = False  # something was to be sent, and cannot be: the other end is gone, as far as is known
        self._unpacker = Unpacker()
        self._descriptors: list[int] = []  # received, not yet claimed by a message
        self._unsent: list[tuple[bytes, list[int]]] = []

    def receive(self) -> list[tuple[Message, list[int]]]:
        """Return the messages that have come, each with its descriptors; fewer than it needs if some were cut off."""
        received: list[tuple[Message, list[int]]] = []
        cut = False
        for _ in range(_PIECES):
            if self.closed:
                return received
            try:
                data, ancillary, flags, _ = self._socket.recvmsg(_PIECE, _ROOM, _CLOSE_ON_EXEC)
            except BlockingIOError:
                return received
            except OSError:  # reset
                data, ancillary, flags = b"", [], 0
            for level, kind, content in ancillary:
                if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                    self._descriptors += memoryview(content)[: len(content) // _INT * _INT].cast("i").tolist()
            cut = cut or bool(flags & _socket.MSG_CTRUNC)
            try:
                messages = [(message, needed(message)) for message in self._unpacker.feed(data)]
            except (GarbageError, TypeError, IndexError):  # not our protocol: this end can use the socket no more
                messages, data = [], b""
            for message, count in messages:
                received.append((message, self._descriptors[:count]))
                del self._descriptors[:count]
            self.closed = data == b""
            if cut and messages:  # it is not known which ones were lost, so no message gets the rest
                close_all(self._descriptors)
                self._descriptors.clear()
            if len(received) >= _MOST_MESSAGES:
                break
        mailbox.remind()
        return received

    def put(self, message: Message, descriptors: list[int] | None = None) -> None:
        """Have a message sent with the next that are: each time of sending wakes the other end."""
        self._unsent += pieces(pack(message), descriptors or [])

    def send(self, message: Message | None = None, descriptors: list[int] | None = None) -> bool:
        """Send a message, or what is left of earlier ones, as far as it goes; the descriptors are closed when sent.

        Return whether any of it went out.
        """
        went = False
        if message is not None:
            self.put(message, descriptors)
        while self._unsent:
            data, passed = self._unsent[0]
            try:
                sent = send_once(self._socket, data, passed)
            except BlockingIOError:
                return went
            except OSError as error:  # the other end is gone; or, no harm to other messages: too many descriptors
                self.broken = self.broken or error.errno != errno.ETOOMANYREFS
                sent = len(data)
            close_all(passed)
            went = True
            self._unsent[0] = (data[sent:], [])
            if not self._unsent[0][0]:
                del self._unsent[0]
        return went

    @property
    def unsent(self) -> bool:
        """Whether something waits for room in the socket."""
        return bool(self._unsent)

    def finish(self) -> None:
        """Say that nothing more will be sent; what comes can still be received, unless only closing is allowed."""
        try:
            self._socket.shutdown(_socket.SHUT_WR)
        except OSError as error:
            # ENOTCONN, on the BSDs: the other end is gone, and what it has sent can be received.  Any other error: the
            # call is refused, so only closing tells the other end
            if error.errno != errno.ENOTCONN:
                self.close()

    def close(self) -> None:
        """Close this end, and every descriptor that no message has claimed."""
        close_all([*self._descriptors, *(number for _, passed in self._unsent for number in passed)])
        self._descriptors, self._unsent = [], []
        self._socket.close()
        self.closed = True
        self.descriptor = -1


def try_calls() -> None:
    """Make the calls that send and receive, between sockets that nobody uses.

    OSError: EPERM, ENOSYS and the like, a filter of system calls refuses one of them; EMFILE, ENFILE.
    """
    sending, receiving = _socket.socketpair()
    try:
        sending.send(b"!")
        receiving.setblocking(False)
        receiving.recvmsg(1)
    except BlockingIOError:  # it is under way
        return
    finally:
        sending.close()
        receiving.close()


def send_once(socket: _socket.socket, data: bytes, descriptors: list[int]) -> int:
    """Send a piece with its descriptors; return how many bytes went."""
    if not descriptors:
        return socket.send(data)
    rights = b"".join([descriptor.to_bytes(_INT, sys.byteorder) for descriptor in descriptors])
    return socket.sendmsg([data], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])


def pieces(data: bytes, descriptors: list[int]) -> list[tuple[bytes, list[int]]]:
    """Divide a message so that no piece has more descriptors than one can carry; each needs a byte at least."""
    pieces = []
    while len(descriptors) > MOST:
        pieces.append((data[:1], descriptors[:MOST]))
        data, descriptors = data[1:], descriptors[MOST:]
    return [*pieces, (data, descriptors)]


def close_all(descriptors: list[int]) -> None:
    """Close descriptors of ours."""
    for descriptor in descriptors:
        os.close(descriptor)
