"""The owner's end of a line or a control: messages in and out, safe against a signal handler at any moment.

The code of a caller may be interrupted between any two lines by a handler that calls this very object, or that raises
an exception.  A lock cannot help against either: the handler would wait for the frame below it, and the exception may
come between the lock and its release.  So there is none.  Every step is *one* call of C code that both acts and leaves
a note of it, done only if no other step came in between, and everything else can be done again:

- What was read stays in a list until the messages in it were taken; taking one twice does no harm (handle.py).
- What was written is noted with the message, so the rest of it is written once.

``x if y is z else None`` is such a step when ``x`` is a call whose arguments are all at hand: Python runs no handler
between the comparison and the end of that call.  Between threads there is one at a time (guard_connection.py).
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
from array import array
from collections import deque

from .helper_socket import pieces
from .wire import GarbageError, Unpacker, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .descriptors import Descriptors
    from .wire import Message

_PIECE = 2**16  # more than that and the C library maps memory for each piece
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)  # the caller may have SIGPIPE as it likes


class OwnerSocket:
    """A connected stream socket of ours that does not block, what has come over it, and what did not fit yet."""

    def __init__(self, socket: socket.socket) -> None:
        socket.setblocking(False)
        self._socket = socket
        self.closed = False  # no more messages will come
        self.watched = False  # for room to write: see guard_connection.py
        self.holder = 0  # pid of the helper that holds the other end until it ends, once it is known
        self._received: list[bytes] = []
        self._parcels: deque[_Parcel] = deque()

    def __del__(self) -> None:
        if hasattr(self, "_socket"):
            self._socket.close()

    def fileno(self) -> int:
        """Return the descriptor; -1 after ``close``."""
        return self._socket.fileno()

    def receive(self, take: Callable[[Message], None], readable: bool = True) -> bool:
        """Read what has come, hand every message to ``take``, and say whether there was any.

        Args:
            take: gets a message again if an exception ended its call before.
            readable: there is something to read, as far as is known.
        """
        if readable and not self.closed and self.fileno() >= 0:
            self._read()
        news = False
        while chunks := tuple(box := self._received):
            count = len(chunks)
            messages, rest = self._unpack(b"".join(chunks))
            for message in messages:
                take(message)
                news = True
            self.closed = self.closed or b"" in chunks
            kept = [rest] if rest and not self.closed else []
            self._received = kept + box[count:] if self._received is box else self._received
            if self._received is not box and len(self._received) <= len(kept):
                break
        return news

    def send(self, message: Message, descriptors: list[int] | None = None, owner: Descriptors | None = None) -> None:
        """Put a message into the queue, for ``flush`` to send, and descriptors of ``owner`` that go along with it.

        They are closed when they were sent.
        """
        if self.closed:  # nothing reads it, and descriptors that waited here would keep the ends of lines open
            return
        divided = pieces(pack(message), descriptors or [])
        self._parcels.extend([_Parcel(data, passed, owner) for data, passed in divided])

    def flush(self) -> None:
        """Send what is in the queue, as far as it goes.

        OSError: ETOOMANYREFS, too many descriptors are under way; the message is dropped.
        """
        while self._parcels and not self.closed and self.fileno() >= 0:
            try:
                parcel = self._parcels[0]
            except IndexError:
                return
            progress = parcel.progress
            last = progress[-1]
            rest = parcel.data[sum(part[1] for part in progress) :]
            if not rest:
                self._parcels.popleft() if self._parcels and self._parcels[0] is parcel else None
                continue
            step = zip((rest,), parcel.sending(self._socket, rest), strict=True)
            try:
                progress.extend(step) if progress[-1] is last else None
            except BlockingIOError:
                return
            except (BrokenPipeError, ConnectionResetError):
                self._parcels.clear()  # the other end reads no more; what it sent before can still be read
            except OSError:
                self._parcels.popleft()
                raise
        if self.closed or self.fileno() < 0:
            self._parcels.clear()  # and close their descriptors: the end of a line must be seen

    @property
    def unsent(self) -> bool:
        """Whether something waits for room in the socket."""
        return bool(self._parcels) and not self.closed

    def is_cut(self) -> bool:
        """Say whether the other end is gone, without reading anything that it may have sent."""
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:  # reset; closed here
            return True

    def has_unread(self) -> bool:
        """Say whether there is something to read now, be it the end."""
        if self.closed or self.fileno() < 0:
            return False
        look = select.poll()
        look.register(self.fileno(), select.POLLIN)
        return bool(look.poll(0))

    def continue_holder(self) -> None:
        """Continue the helper at the other end if it was stopped; those above it, which could do that, have ended."""
        if not self.holder:
            return
        try:
            target = os.pidfd_open(self.holder) if hasattr(os, "pidfd_open") else -1
        except ProcessLookupError:
            return
        except OSError:  # it is refused, or no descriptor is free
            target = -1
        try:
            if not self._is_held():
                return  # another process may have its pid by now
            if target >= 0:  # opened before: the helper that lives still
                signal.pidfd_send_signal(target, signal.SIGCONT)
            else:
                os.kill(self.holder, signal.SIGCONT)
        except OSError:  # it has just ended
            return
        finally:
            if target >= 0:
                os.close(target)

    def _is_held(self) -> bool:
        """Say whether a process holds the other end open still, though it may have sent its last message."""
        if self.fileno() < 0:
            return False
        look = select.poll()
        look.register(self.fileno(), select.POLLOUT)  # DragonFly reports nothing where no event is asked for
        return not any(events & ~select.POLLOUT for _, events in look.poll(0))

    def end(self) -> bool:
        """Let the other end read that no more will be sent; messages can still come.  False if that is refused."""
        return self._shut(socket.SHUT_WR)

    def hang_up(self) -> None:
        """End the connection for both ends, although a forked copy of this one may live on."""
        self._shut(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close this process's copy of the socket."""
        self.closed = True
        self._parcels.clear()
        self._socket.close()

    def _shut(self, how: int) -> bool:
        try:
            self._socket.shutdown(how)
        except OSError as error:
            return error.errno in (errno.ENOTCONN, errno.EBADF)  # it is over already
        return True

    def _read(self) -> None:
        """Read a piece: if that was not all, the socket is readable still."""
        step = map(self._socket.recv, (_PIECE,))
        try:
            self._received.extend(step)
        except BlockingIOError:
            return
        except OSError:  # reset
            self._received.append(b"")

    def _unpack(self, data: bytes) -> tuple[list[Message], bytes]:
        unpacker = Unpacker()
        try:
            return unpacker.feed(data), unpacker.rest
        except GarbageError:
            self.closed = True
            return [], b""


class _Parcel:
    """One message, or a piece of it, on its way."""

    def __init__(self, data: bytes, descriptors: list[int], owner: Descriptors | None) -> None:
        self.data = memoryview(data)
        self.progress: list[tuple[memoryview, int]] = [(self.data[:0], 0)]
        self._descriptors = array("i", descriptors)
        self._owner = owner  # alive as long as this is

    def sending(self, sock: socket.socket, rest: memoryview) -> map[int]:
        """Return what sends the rest when it is iterated, the descriptors with the first byte."""
        if not self._descriptors or len(rest) < len(self.data):
            return map(sock.send, (rest,), (_NO_SIGNAL,))
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, self._descriptors)]
        return map(sock.sendmsg, ([rest],), (ancillary,), (_NO_SIGNAL,))
