"""The socket of a daemon: many clients, none of which keeps another or the service waiting."""

from __future__ import annotations

import _socket
import os
import struct
import sys
from contextlib import suppress

from ...supervisor.services.event_loop import EventLoop, Timer
from . import wire
from .answers import Answer, KeptService, Talk, answer

MOST_CLIENTS = 400
"""Connections at once; beyond, the one that has been silent for the longest time is closed."""

_UCRED = struct.Struct("3i")  # Linux: pid, uid, gid
_XUCRED = struct.Struct("=II")  # FreeBSD, DragonFly: cr_version, cr_uid, and more (sys/ucred.h)
_LOCAL_PEERCRED = 1
_PIECE = 65536
_BEHIND = 1 << 20  # bytes a client may leave unread before it gets no further answers


class Server:
    """What accepts the clients of a listening socket, which does not block."""

    def __init__(self, listener: _socket.socket, service: KeptService, loop: EventLoop) -> None:
        self._listener = listener
        self._service = service
        self.loop = loop
        self._clients: dict[Client, None] = {}  # the one that has been silent for the longest time first
        self._news: Timer | None = None
        loop.watch(listener.fileno(), self._accept)

    def changed(self) -> None:
        """Continue every answer that waits for a change, soon: the answer that made it is not over yet."""
        if self._news is None and self._clients:
            self._news = self.loop.after(0, self._tell)

    def finish(self) -> None:
        """End every answer, and close: the daemon ends."""
        self.loop.forget(self._listener.fileno())
        for client in list(self._clients):
            client.finish()

    def spoke(self, client: Client) -> None:
        """Note that a client is not silent."""
        if client in self._clients:
            self._clients[client] = self._clients.pop(client)

    def forget(self, client: Client) -> None:
        """Note that a client is gone."""
        self._clients.pop(client, None)

    def _tell(self) -> None:
        self._news = None
        for client in list(self._clients):
            client.go_on()

    def _accept(self) -> None:
        for _ in range(64):
            try:
                descriptor, _ = self._listener._accept()  # type: ignore[attr-defined]  # as socket.accept() does
            except BlockingIOError:
                return
            except OSError:  # no more descriptors: the most silent client gives one
                if not self._clients:
                    return
                next(iter(self._clients)).close()
                continue
            connection = _socket.socket(_socket.AF_UNIX, fileno=descriptor)
            connection.setblocking(False)
            if not may_command(connection):
                with suppress(OSError):
                    connection.send(b"permission denied: only root and the owner of the service may ask\n" + wire.END)
                connection.close()
                continue
            self._clients[Client(connection, self, self._service)] = None
            if len(self._clients) > MOST_CLIENTS:
                next(iter(self._clients)).close()


class Client:
    """One connection."""

    def __init__(self, connection: _socket.socket, server: Server, service: KeptService) -> None:
        self._connection = connection
        self._descriptor = connection.fileno()
        self._server = server
        self._service = service
        self._lines = wire.Lines()
        self._unsent = bytearray()
        self._answer: Answer | None = None
        self._talk = Talk(self._unsent.extend, lambda: len(self._unsent))
        self._timer: Timer | None = None
        self._ended = False  # it sends nothing more
        server.loop.watch(self._descriptor, self._ready)

    def go_on(self) -> None:
        """Continue the answer that waits, and begin those that were asked for meanwhile."""
        if self._descriptor < 0:
            return
        if self._timer:
            self._timer.cancel()
            self._timer = None
        while len(self._unsent) < _BEHIND and (self._answer is not None or self._begin()):
            assert self._answer is not None
            try:
                wait = next(self._answer)
            except StopIteration:
                self._answer = None
                self._unsent += wire.END
                continue
            if wait is not None:
                self._timer = self._server.loop.after(wait, self.go_on)
            break
        self._send()

    def finish(self) -> None:
        """End the answer that waits, try to send it, and close."""
        self._talk.cut_short = True
        if self._answer is not None:
            self.go_on()  # a log ends, a stop is over
        if self._answer is not None:
            self._unsent += wire.END
        with suppress(OSError):
            self._connection.setblocking(True)
            self._connection.settimeout(0.2)
            self._connection.sendall(self._unsent)
        self.close()

    def close(self) -> None:
        """Forget the client."""
        if self._descriptor >= 0:
            if self._timer:
                self._timer.cancel()
            self._server.loop.forget(self._descriptor)
            self._descriptor = -1
            self._connection.close()
            self._server.forget(self)
            self._answer = None

    def _begin(self) -> bool:
        line = self._lines.next()
        if line is None:
            return False
        self._talk.cut_short = False
        self._answer = answer(self._service, self._talk, line)
        return True

    def _ready(self) -> None:
        """Read what has come, answer, and send."""
        if self._ended and not self._unsent:
            self.close()  # of a connection that sends nothing only one thing can be told: its other end is gone
            return
        if not self._ended and len(self._unsent) < _BEHIND:
            self._receive()
        if self._descriptor < 0:
            return
        if self._lines.excessive:
            self._unsent += b"the request is too long\n" + wire.END
            self._ended = True
            self._lines = wire.Lines()
        if self._answer is not None and self._lines.waiting():
            self._talk.cut_short = True
        self.go_on()

    def _receive(self) -> None:
        try:
            data = self._connection.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self._server.spoke(self)
        self._ended = not data
        self._lines.feed(data)

    def _send(self) -> None:
        while self._unsent and self._descriptor >= 0:
            try:
                sent = self._connection.send(memoryview(self._unsent)[:_PIECE].tobytes())
            except BlockingIOError:
                break
            except OSError:
                self.close()
                return
            del self._unsent[:sent]
        if self._descriptor < 0:
            return
        if self._ended and self._answer is None and not self._unsent:
            self.close()
            return
        reading = not self._ended and len(self._unsent) < _BEHIND
        self._server.loop.interest(self._descriptor, read=reading, write=bool(self._unsent))


def may_command(connection: _socket.socket) -> bool:
    """Say whether the other end is root or the user of this process, by the ids that it connected with."""
    try:
        if sys.platform.startswith("linux"):
            data = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, _UCRED.size)
            user = _UCRED.unpack(data)[1]
        else:
            user = _XUCRED.unpack_from(connection.getsockopt(0, _LOCAL_PEERCRED, 128))[1]
    except OSError:  # the system does not tell
        return False
    return user in (0, os.geteuid())
