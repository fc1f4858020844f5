"""The parent-death signal on Linux, kept as the BSDs have it: one setting for the process.

Linux keeps it for each *thread* of the child: a setting made by a worker thread is lost when that thread ends, and
another thread cannot see it.  So the main thread makes the call itself, and for any other thread a helper thread
does, which then lives as long as the process.  (What cannot be mended is the other side: the signal comes when
the *thread* that forked this process ends, though its process may live on.)
"""

from __future__ import annotations

import _thread
import os

from . import prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queue import SimpleQueue

HIGHEST = 64  # _NSIG of Linux


class UndeliverableError(Exception):
    """A signal number that the BSDs have and Linux has not: kept, but it cannot be sent."""


class DeathSignal:
    """The parent-death signal of this process."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """Start as the kernel lets a new process start: no signal, no helper thread."""
        self._value: int | None = None  # what was set through this object
        self._holder = ""  # which thread the kernel keeps it for: "main", "helper"
        self._requests: SimpleQueue[tuple[int, SimpleQueue[OSError | None]]] | None = None

    def get(self) -> int:
        """Return the signal, 0 for none."""
        if self._value is None or (self._holder == "main" and _is_main_thread()):
            return prctl.prctl_read(prctl.PR_GET_PDEATHSIG)
        return self._value

    def set(self, signal: int) -> None:
        """Set the signal, 0 for none.

        Raises:
            UndeliverableError: above 64; it is stored all the same, and get() returns it.
            OSError: EBUSY, the main thread holds a signal that this thread cannot take back.
        """
        deliverable = signal if signal <= HIGHEST else 0
        if _is_main_thread():
            if self._holder == "helper":
                self._ask_helper(0)
            prctl.prctl(prctl.PR_SET_PDEATHSIG, deliverable)
            self._holder = "main"
        else:
            if self._holder == "main" and self._value not in (None, 0):
                import errno

                raise OSError(errno.EBUSY, "the main thread set a parent-death signal; only it can change that")
            self._ask_helper(deliverable)
            self._holder = "helper"
        self._value = signal
        if deliverable != signal:
            self._holder = "nobody"
            raise UndeliverableError

    def _ask_helper(self, signal: int) -> None:
        """Let the thread that never ends make the call."""
        from queue import SimpleQueue

        if self._requests is None:
            from threading import Thread

            self._requests = SimpleQueue()
            Thread(target=_serve, args=(self._requests,), name="pydfly-pdeathsig", daemon=True).start()
        answer: SimpleQueue[OSError | None] = SimpleQueue()
        self._requests.put((signal, answer))
        error = answer.get()
        if error is not None:
            raise error


def _serve(requests: SimpleQueue[tuple[int, SimpleQueue[OSError | None]]]) -> None:
    while True:
        signal, answer = requests.get()
        try:
            prctl.prctl(prctl.PR_SET_PDEATHSIG, signal)
        except OSError as error:
            answer.put(error)
        else:
            answer.put(None)


def _is_main_thread() -> bool:
    return _thread.get_native_id() == os.getpid()
