"""The simulated DragonFly kernel with the rules by which Linux is known to differ, and nothing else.

Each override carries the id of its rule.  What real processes do must be what this kernel does.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydfly.backends.protocol import Backend
from pydfly.backends.simulated import Simulated
from pydfly.simkernel import VERSIONS, Kernel, Process, lifecycle, signals
from pydfly.simkernel.dragonfly.rules import DragonFly, reaping
from pydfly.simkernel.vnodes import Executed, File

HIGHEST_LINUX_SIGNAL = 64


class LinuxRules(DragonFly):
    """DragonFly, but for these."""

    def exit(self, process: Process) -> None:
        """LX-2, LX-3: the adopter is looked up now; LX-5: its list is appended to; LX-6: ignored children vanish."""
        node = reaping.leave(process)
        heir = nearest_reaper(process)
        for child in reversed(process.children):  # oldest first, so that the reversed list is Linux's own
            child.reparent(heir)
            if not child.alive:
                if lifecycle.ignores_children(heir):
                    lifecycle.reap(child)
            elif 0 < child.deathsig <= HIGHEST_LINUX_SIGNAL:  # DP-9: a higher one is stored, but never delivered
                signals.post(child, child.deathsig, "SI_USER", process.pid, process.ruid)
        reaping.drop(node)
        assert process.parent is not None
        signals.notify_parent(process.parent, process)
        if lifecycle.ignores_children(process.parent):
            lifecycle.reap(process)

    def execve(self, process: Process, file: File, argv: tuple[str, ...], environ: Mapping[str, str]) -> Executed:
        """LX-7: an ignored SIGCHLD stays; DP-9: the program remembers a signal that Linux does not have."""
        sigchld = process.sigchld
        executed = super().execve(process, file, argv, environ)
        process.sigchld = sigchld
        if process.deathsig > HIGHEST_LINUX_SIGNAL:
            process.deathsig = 0
        return executed

    def refuses_kill(self, sender: Process, target: Process, sig: int, direct: bool) -> tuple[str, str] | None:
        """DS-1 to DS-4: Linux does not confine signals; all processes here have the same user id."""
        return None


def nearest_reaper(process: Process) -> Process:
    """Return the nearest ancestor that is a reaper; init is one."""
    ancestor = process.parent
    while ancestor is not None and not reaping.owns(ancestor):
        ancestor = ancestor.parent
    assert ancestor is not None
    return ancestor


def backend() -> Backend:
    """Act as the first process of such a kernel."""
    return Simulated(Kernel(LinuxRules(VERSIONS["dragonfly"][0])).spawn("/sbin/first"))
