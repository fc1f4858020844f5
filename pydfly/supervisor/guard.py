"""The guard: forks the warden, hands signals down, and takes over when the warden is killed.

``pydfly run`` is the guard itself.  For ``supervise()`` the guard is a program of its own, started from the
caller without running any Python code in a copy of it.
"""

from __future__ import annotations

import os
import time

from . import terminal
from .domain import adopt_orphans, close_all_but, die_with_parent, fill_standard_descriptors, let_go, take_precedence
from .mailbox import Mailbox
from .warden import END, KILL, STOPPED, TERMINAL, WARM_UP, Warden

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from signal import struct_siginfo

    from .conversation import Conversation
    from .launch import Launch
else:
    import _signal

FAILED = 125
_NAMES = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGCONT", "SIGTSTP")
_FORWARDED = {getattr(_signal, name) for name in _NAMES}
_SECOND = 5.0  # seconds within which, or within the grace, a second Ctrl-C means "at once"


class Guard:
    """One warden, and whatever it may leave behind.

    Args:
        launch: what to run.
        owner: the talk of the warden with the owner; None when this process is all the owner there is.
        parent: pid of the owner.
        kept: other descriptors that the warden needs.
    """

    def __init__(
        self, launch: Launch, owner: Conversation | None = None, parent: int = 0, kept: tuple[int, ...] = ()
    ) -> None:
        self._launch = launch
        self._owner = owner
        self._kept = kept
        self._mailbox = Mailbox()
        self._parent = parent
        self._warden = 0
        self._orders = -1
        self._interrupted = float("-inf")
        self._warm = False
        self._foreground = None if owner else terminal.Foreground()

    def keep(self, work: Callable[[Warden], int]) -> int | None:
        """Keep the domain until nobody is left.

        Args:
            work: what the warden's process does with the Warden, returning its exit status.

        Returns:
            The warden's exit status; None when it was killed, and this process ended the domain.
        """
        adopt_orphans()
        if self._owner:
            die_with_parent(_signal.SIGIO, self._parent)
        own = os.getpid()
        reading, self._orders = os.pipe()
        self._warden = os.fork()
        if self._warden == 0:
            os.close(self._orders)
            _be_warden(lambda: work(Warden(self._launch, self._mailbox, own, reading, self._owner, self._kept)))
        let_go(self._orders, *self._kept)
        while (status := self._look()) is None:
            self._take(self._mailbox.wait(None if self._warm else WARM_UP))
        if self._foreground:
            self._foreground.take_back()
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        self._end()
        return None

    def _look(self) -> int | None:
        """Collect dead children; return the warden's wait status once it is dead."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return None
            if pid == 0:
                return None
            if pid != self._warden:
                continue  # init of a container gets orphans that were never the warden's
            if not os.WIFSTOPPED(status):
                return status
            os.kill(pid, _signal.SIGCONT)  # a stopped warden guards nobody

    def _take(self, info: struct_siginfo | None) -> None:
        """Hand a signal down."""
        if info is None:
            self._warm_up()
            return
        number = info.si_signo
        if self._owner:  # it asks the warden itself; what is sent to its guard by others is not for the command
            if os.getppid() != self._parent:
                self._order(END)
        elif number == _signal.SIGTERM:
            self._order(END)
        elif number == _signal.SIGINT and self._is_second():
            self._order(KILL)
        elif number == STOPPED:
            if info.si_pid == self._warden and self._foreground and self._foreground.exists:
                terminal.stop_myself()
        elif number in _FORWARDED:
            self._order(number | TERMINAL if terminal.sent_by_terminal(info) else number)

    def _warm_up(self) -> None:
        """Have at hand what taking over would need: later the package may be gone, or memory short."""
        from ..ending import rounds

        rounds.actuator()
        self._warm = True

    def _is_second(self) -> bool:
        now = time.monotonic()
        before, self._interrupted = self._interrupted, now
        return now - before < max(self._launch.grace, _SECOND)

    def _order(self, order: int) -> None:
        try:  # noqa: SIM105  contextlib would be imported for this alone
            os.write(self._orders, bytes([order]))
        except BrokenPipeError:
            pass

    def _end(self) -> None:
        """End what a killed warden left: it is this process's now."""
        from ..ending import rounds

        take_precedence()
        now = time.monotonic()
        ending = rounds.Ending(rounds.actuator(), now, self._launch.grace)
        while True:
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            pause = ending.step(time.monotonic())
            if pause is None:
                return
            self._mailbox.wait(pause)


def _be_warden(work: Callable[[], int]) -> None:
    """Do the warden's work in its own process; never returns.

    A warden that fails is as bad as one that was killed, and ends like it: the guard takes over then.
    """
    try:
        os._exit(work())
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os.kill(os.getpid(), _signal.SIGKILL)


def main(descriptor: int) -> int:
    """Be the guard of ``supervise()``: what to run comes over the socket to the owner."""
    from .conversation import Conversation
    from .launch import Launch

    os.set_inheritable(descriptor, False)
    fill_standard_descriptors()
    owner = Conversation(descriptor)
    first = owner.line.receive_first()
    if first is None:
        return 0  # the owner is gone before anything began
    _, fields, parent = first
    launch = Launch(**fields)
    close_all_but(descriptor, *launch.passed)
    status = Guard(launch, owner, parent).keep(_serve)
    return FAILED if status is None else 0


def _serve(warden: Warden) -> int:
    owner = warden.owner
    assert owner
    try:
        warden.run()
    except OSError as error:
        owner.failed(error)
    else:
        owner.ended(warden)
    return 0
