"""Watch one child that must neither stop nor die, and end whatever it leaves behind when it is killed."""

from __future__ import annotations

import os
import time

from .domain import name_myself, take_precedence

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from signal import struct_siginfo

    from .mailbox import Mailbox
else:
    import _signal

WARM_UP = 0.02  # seconds after which the command is no short one, and what an ending needs is imported


class Watch:
    """The watched child of this process.

    Args:
        mailbox: where everything arrives.
        name: what this process calls itself once there is time for that; empty to leave it.
    """

    def __init__(self, mailbox: Mailbox, name: str = "") -> None:
        self.child = 0
        self.heir = 0  # a grandchild that becomes a child, and is watched then, when the child is killed
        self._mailbox = mailbox
        self._name = name
        self._warm = False
        self._statuses: dict[int, int] = {}  # wait statuses of the two

    def until_dead(self, take: Callable[[struct_siginfo], None]) -> int:
        """Hand every signal to ``take`` until the child is dead, and return its wait status."""
        while True:
            self._collect()
            status = self._statuses.get(self.child)
            if status is not None and (os.WIFEXITED(status) or not self._turn_to_heir()):
                return status
            if status is not None:
                continue
            info = self._mailbox.wait(None if self._warm else WARM_UP)
            if info is None:
                self._warm_up()
            else:
                take(info)

    def _turn_to_heir(self) -> bool:
        """Watch the heir from now on; False if there is none."""
        self.child, self.heir = self.heir, 0
        if self.child == 0 or self.child in self._statuses:
            return self.child != 0
        try:
            os.waitid(os.P_PID, self.child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True

    def end_all(self, grace: float) -> None:
        """End everybody below this process: who was below the watched child is its own now."""
        from ..ending import rounds

        take_precedence()
        ending = rounds.Ending(rounds.actuator(), time.monotonic(), grace)
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

    def _collect(self) -> None:
        """Collect dead children (init of a container gets strangers, too), and continue a watched one that stopped."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                if pid == self.child:
                    os.kill(pid, _signal.SIGCONT)  # who is stopped guards nobody
            elif pid in (self.child, self.heir):
                self._statuses[pid] = status

    def _warm_up(self) -> None:
        """Have at hand what taking over would need: later the package may be gone, or memory short."""
        from ..ending import rounds

        rounds.actuator()
        self._warm = True
        if self._name:
            name_myself(self._name)
