"""The owner's side of one guard: its control, the lines of its domains, and what is read and sent there.

One thread at a time does that (waiting_threads.py), and nothing is locked: ``owner_socket.py`` says how that is safe.
"""

from __future__ import annotations

import os
import time
import weakref
from itertools import count

from ..errors import SupervisionError
from . import start_guard
from .poller import Poller
from .waiting_threads import PAUSES, NotYetError, WaitingThreads, deadline_of, rest_until
from .warden_ahead import Reserve
from .wire import PROTOCOL, rebuilt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .owner_socket import OwnerSocket
    from .waiting_threads import Condition, Purpose
    from .warden_ahead import Domain
    from .wire import Message


class GuardConnection:
    """A guard and its domains, as their owner sees them; ``program`` is the interpreter for the helpers.

    BackendError, OSError: the guard could not be started.
    """

    def __init__(self, program: start_guard.Program | None = None) -> None:
        self.owner = os.getpid()
        self._waiting = WaitingThreads()
        self._watched: dict[int, OwnerSocket] = {}  # by descriptor, what the poller waits for
        self.handles: weakref.WeakValueDictionary[int, Domain] = weakref.WeakValueDictionary()  # by number of domain
        self._lines: weakref.WeakValueDictionary[int, Domain] = weakref.WeakValueDictionary()  # by descriptor
        self._unfinished: set[int] = set()  # descriptors with something to send, or to take that was read
        self.numbers = count(1)
        self._let_go = False
        self.dismissed = False  # the owner has let go of it, of domains that were not over, too
        self.kept: dict[Domain, None] = {}  # not over, or not told yet; in the order of their start
        self.failure: BaseException | None = None  # why there is no guard
        self.greeted = False
        self.companion: object = None  # what ties it to a loop of asyncio
        self.listeners: list[Callable[[], None]] = []  # called when there is news, by the thread that has read it
        self.reserve = Reserve()
        self._poller = Poller()
        self.helper = start_guard.guard(program)
        self.control = self.helper.control  # the socket to the guard
        self._watch(self.control)

    def __del__(self) -> None:
        if getattr(self, "control", None) is not None and os.getpid() == self.owner:
            self._waiting = WaitingThreads()
            self.close()

    def fileno(self) -> int:
        """Return a descriptor that is readable when there may be news; -1 when everything is over."""
        return self._poller.fileno()

    def add(self, handle: Domain, number: int) -> None:
        """Take in the handle of a domain, which has one of ``numbers``."""
        self.handles[number] = handle
        self._lines[handle.line.fileno()] = handle
        self._watch(handle.line)

    def find_again(self, handle: Domain, number: int) -> None:
        """Find a handle again that has lost its weak references: it is being collected, and a finalizer uses it."""
        descriptor = handle.line.fileno()
        if self._lines.get(descriptor) is not handle and self._watched.get(descriptor) is handle.line:
            self.handles[number] = self._lines[descriptor] = handle

    def send(self, sock: OwnerSocket) -> None:
        """Send what is in the queue of a line or of the control: here, or in the thread that reads.

        OSError: ETOOMANYREFS, too many descriptors are under way.
        """
        if sock.unsent and self._watched.get(sock.fileno()) is sock:
            self._unfinished.add(sock.fileno())
            if self._waiting:  # the thread that reads may sleep
                sock.watched = True
                self._poller.watch(sock.fileno(), True)
        self.exchange()

    def exchange(self) -> None:
        """Read and send what can be, without waiting; if another thread is about to, leave it to that one."""
        self.until(lambda: True, 0, str)

    def until(self, condition: Condition, timeout: float | None, purpose: Purpose, urge: bool = False) -> None:
        """Wait until a condition holds that only news can change; as ``WaitingThreads.until``."""
        self._waiting.until(self, condition, timeout, purpose, urge)

    def wake(self) -> None:
        """Continue the guard, which continues the others, if it was stopped; without it the deputy, and the wardens."""
        if self.helper.wake():
            return
        for sock in tuple(self._watched.values()):
            sock.continue_holder()

    def leave_guard(self) -> None:
        """Tell the guard that no more domains will come: it ends those that are there, and then itself."""
        if not self.control.end():
            self.forget(self.control)
        self.wake()

    def is_cut(self) -> bool:
        """Whether nothing will come over the control any more: neither guard nor deputy is left, or it was closed."""
        return self._let_go or self.control.closed

    def expects_news(self) -> bool:
        """Whether something may come still, over the control or a line."""
        return bool(self._watched)

    def is_gone(self) -> bool:
        """Whether neither guard nor deputy is left, and what they had to end was ended."""
        return self.is_cut() and self.helper.collect()

    def disappointment(self, is_lost: bool) -> SupervisionError:
        """Say why nothing is known of a domain, where ``failure`` is None; ``is_lost``: its warden was killed."""
        if self.dismissed and not is_lost:
            return SupervisionError("its Supervisor was stopped, closed or dropped: no more is known of the domain")
        if self.greeted or self._let_go:
            return SupervisionError("the warden was killed; the domain was ended, but how is not known")
        return SupervisionError(f"{self.helper.program} is not pydfly's guard; name a Python by interpreter=")

    def wait_gone(self, timeout: float | None) -> None:
        """Wait until the helpers have ended; TimeoutError: not within ``timeout`` seconds."""
        deadline = deadline_of(timeout)
        if not self._let_go:
            self.until(self.is_cut, timeout, self.helper.ends, urge=True)
        pause, longest = PAUSES
        while not self.helper.collect():
            self.wake()
            if rest_until(deadline) == 0:
                raise NotYetError(f"{self.helper.ends()} not within {timeout} s")
            time.sleep(pause)
            pause = min(2 * pause, longest)
        self.close()

    def close(self) -> None:
        """Cut the connections: the domains are ended, but this does not wait for that."""
        self.wake()
        self.dismissed = self.dismissed or not self.is_cut()
        self._let_go = True
        for sock in tuple(self._watched.values()):
            sock.hang_up()
        self.control.hang_up()
        self.wake()  # if it was stopped meanwhile
        if not self._waiting:
            self._release()
        else:  # a thread is waiting: it does this when it leaves
            self.kick()

    def forget(self, sock: OwnerSocket) -> None:
        """Read no more from a line, and close it."""
        descriptor = sock.fileno()
        if self._watched.get(descriptor) is sock:
            self._poller.remove(descriptor)
            self._watched.pop(descriptor, None)
        sock.close()
        if self._waiting:
            self.kick()  # a thread that waits for news from there looks again

    def exchange_within(self, timeout: float) -> None:
        """Wait up to so many seconds for something to read or room to write, and do both."""
        if not self._watched:
            return
        news = False
        ready = dict.fromkeys(self._unfinished, False)
        ready |= self._poller.wait(0 if ready else timeout)
        for descriptor, readable in ready.items():
            sock = self._watched.get(descriptor)
            if sock is None:
                self._unfinished.discard(descriptor)
            else:
                news = self._serve(sock, readable) or news
        if news:
            self._waiting.wake_others()
            for listener in tuple(self.listeners):
                listener()

    def _serve(self, sock: OwnerSocket, readable: bool, handle: Domain | None = None) -> bool:
        """Read and send what can be over one socket, and say whether there was news."""
        descriptor = sock.fileno()
        if sock is not self.control:
            handle = handle or self._lines.get(descriptor)
            if handle is None or handle.line is not sock:  # it was dropped at this moment
                self.forget(sock)
                return False
        self._unfinished.add(descriptor)  # if an exception comes below, the next turn goes on from here
        news = sock.receive(self._take if handle is None else handle.take, readable) or sock.closed
        sock.flush()
        self._unfinished.discard(descriptor)
        if self._watched.get(descriptor) is not sock:  # a message that was read has closed it
            return news
        if sock.closed:
            self._poller.remove(descriptor)
            self._watched.pop(descriptor, None)
            self.wake()  # the warden was killed: those above it have to end the domain
        elif sock.watched or sock.unsent:
            self._poller.watch(descriptor, sock.unsent)
            sock.watched = sock.unsent
        return news

    def _take(self, message: Message) -> None:
        """Take a message of the guard."""
        name, *values = message
        if name == "hello":
            self.greeted = values[1] == PROTOCOL
        elif name == "deputy":
            self.control.holder = values[1]
        elif name == "failed" and values[0] is None:
            self.failure = self.failure or rebuilt(*values[1])
        elif name in ("failed", "lost"):
            handle = self.handles.get(values[0])
            if handle is not None:
                while handle.line.has_unread():  # what the warden said before counts, however long it is
                    self._serve(handle.line, True, handle)
                handle.take(message)

    def _watch(self, sock: OwnerSocket) -> None:
        self._watched[sock.fileno()] = sock
        self._poller.add(sock.fileno())

    def kick(self) -> None:
        """Make the poller ready once: a thread that sleeps in ``exchange_within`` comes back."""
        for sock in tuple(self._watched.values()):
            sock.watched = True
            self._poller.watch(sock.fileno(), True)
            return
        self._poller.add(self.control.fileno())  # all sockets are at their ends: this one is ready for good

    def left(self) -> None:
        """Note that no thread waits any more."""
        if self._let_go:
            self._release()

    def _release(self) -> None:
        self.reserve.close()
        self._poller.close()
        for sock in tuple(self._watched.values()):
            sock.close()
        self._watched.clear()
        self.control.close()
