"""The parent-death signal on Linux, kept as the BSDs have it: one setting for the process.

Linux keeps it for each *thread* of the child: a setting made by a worker thread is lost when that thread ends, and
another thread cannot see it.  So the main thread makes the call itself, and for any other thread a helper thread
does, which then lives as long as the process.  (The parent's side cannot be mended: the signal comes when the *thread*
that forked this process ends, though its process may live on.)
"""

from __future__ import annotations

import _thread
import errno
import os

from ...errors import refusal
from . import prctl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from queue import SimpleQueue

HIGHEST = 64  # _NSIG of Linux


class DeathSignal:
    """The parent-death signal of this process."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start as the kernel lets a forked child start: no signal, no helper thread."""
        self._main: int | None = None  # the main thread, once it is known: asking the kernel takes longer than the rest
        self._lock = _thread.RLock()
        self._value: int | None = None  # what was set through this object
        self._seen = 0  # what the main thread had when it last asked: exec keeps a signal from before this program
        self._holder = "main"  # which thread the kernel keeps it for: "main", "helper", "nobody"
        self._requests: SimpleQueue[tuple[int | None, SimpleQueue[OSError | int]]] | None = None
        self._served = 0  # the process whose helper thread takes them

    def look(self) -> None:
        """Remember what the main thread has, for other threads, which cannot see it."""
        if self._is_in_main_thread():
            self._seen = prctl.prctl_read(prctl.PR_GET_PDEATHSIG)

    def get(self) -> int:
        """Return the signal, 0 for none."""
        if self._is_in_main_thread() and self._holder == "main":
            self._seen = signal = prctl.prctl_read(prctl.PR_GET_PDEATHSIG)
            return signal
        if self._holder == "helper":  # the kernel may have cleared it: setuid() does
            return self._ask_helper(None)
        return self._seen if self._value is None else self._value

    def set(self, signal: int) -> None:
        """Set the signal, 0 for none.

        Raises:
            OSError: EOPNOTSUPP, the BSDs have this signal and Linux has not: it is stored all the same, and get()
                returns it; EBUSY, the main thread holds a signal that this thread cannot take back.
        """
        with self._lock:  # two threads at once would start two helpers, and only one of them could be asked again
            self._set(signal if signal <= HIGHEST else 0)
            self._value = signal
            if signal > HIGHEST:
                self._holder = "nobody"
                reason = f"signal {signal} is stored, but not deliverable on this host: its last is {HIGHEST}"
                raise refusal("procctl", "EOPNOTSUPP", reason)

    def _set(self, signal: int) -> None:
        """Let the right thread make the call."""
        if self._is_in_main_thread():
            if self._holder == "helper":
                self._ask_helper(0)
            prctl.prctl(prctl.PR_SET_PDEATHSIG, signal)
            self._holder = "main"
            self._seen = signal
            return
        if self._holder == "main" and self._seen:
            raise OSError(errno.EBUSY, "the main thread has a parent-death signal; only it can change that")
        self._ask_helper(signal)
        self._holder = "helper"

    def _is_in_main_thread(self) -> bool:
        thread = _thread.get_ident()
        # another thread is asked about each time: a fork of a C library in it makes it the main one without a word
        if thread != self._main and _thread.get_native_id() == os.getpid():
            self._main = thread
        return thread == self._main

    def _ask_helper(self, signal: int | None) -> int:
        """Let the helper thread make the call, or only look for None; return the signal that it has then."""
        from queue import SimpleQueue

        if self._requests is None or self._served != os.getpid():  # that of the parent did not come along
            from threading import Thread

            self._requests, self._served = SimpleQueue(), os.getpid()
            Thread(target=_serve, args=(self._requests,), name="pydfly-pdeathsig", daemon=True).start()
        answer: SimpleQueue[OSError | int] = SimpleQueue()
        self._requests.put((signal, answer))
        told = answer.get()
        if isinstance(told, OSError):
            raise told
        return told


def _serve(requests: SimpleQueue[tuple[int | None, SimpleQueue[OSError | int]]]) -> None:
    while True:
        signal, answer = requests.get()
        try:
            if signal is not None:
                prctl.prctl(prctl.PR_SET_PDEATHSIG, signal)
            answer.put(prctl.prctl_read(prctl.PR_GET_PDEATHSIG))
        except OSError as error:
            answer.put(error)


def is_lost_at_exec(new_user: bool, new_group: bool) -> bool:
    """Say whether a child that gets other ids first, real and effective, loses the signal when it executes its program.

    Linux treats every exec like a set-id one while an effective id is not the real one: security/commoncap.c,
    cap_bprm_creds_from_file().
    """
    same_user, same_group = os.geteuid() == os.getuid(), os.getegid() == os.getgid()
    return not (same_user or new_user) or not (same_group or new_group)
