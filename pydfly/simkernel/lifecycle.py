"""How processes come and go: the steps that both systems take alike, with a hook where their rules differ."""

from __future__ import annotations

from copy import deepcopy

from ..errors import refusal
from . import proctable, signals
from .faults import SimulationError
from .freebsd import tracing
from .states import GONE, RUNNING, ZOMBIE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .process import Process


def fork(parent: Process, nowait: bool = False) -> Process:
    """fork1() of sys/kern/kern_fork.c: a copy of ``parent`` at the head of a list of children."""
    kernel = parent.kernel
    child = kernel.new_process()
    inherit(parent, child)
    proctable.attach(child, kernel.flavour.fork(parent, child, nowait))
    child.become(RUNNING)
    return child


def inherit(parent: Process, child: Process) -> None:
    """Copy what a fork copies; everything else of a new process is zero, the parent-death signal among it."""
    child.ruid, child.euid, child.svuid = parent.ruid, parent.euid, parent.svuid
    child.rgid, child.egid, child.svgid = parent.rgid, parent.egid, parent.svgid
    child.setid_mark = parent.setid_mark
    child.jailed = parent.jailed
    child.sigchld = parent.sigchld
    child.blocks_signals = parent.blocks_signals
    child.nocldwait = parent.nocldwait
    child.pgid = parent.pgid
    child.sid = parent.sid
    child.text = parent.text  # RX-5: sys/kern/kern_fork.c, fork1(): p_textvp, with a reference
    child.argv, child.environ, child.stack = parent.argv, parent.environ, parent.stack
    if parent.pages:
        child.pages = deepcopy(parent.pages)


def die(process: Process, status: int) -> None:
    """exit1() of sys/kern/kern_exit.c: become a zombie, then what the flavour does about the family."""
    kernel = process.kernel
    if process.parent is None:
        kernel.panic("init died")
    process.become(ZOMBIE)
    process.status = status
    process.signal_queue = process.text = process.pages = None
    process.stack = ()
    kernel.flavour.exit(process)


def ignores_children(parent: Process) -> bool:
    """It wants no zombies: SIGCHLD ignored, or SA_NOCLDWAIT; both set PS_NOCLDWAIT."""
    return parent.sigchld == signals.IGNORE or parent.nocldwait


def wait(parent: Process, pid: int, nohang: bool) -> tuple[int, int] | None:
    """kern_wait() of sys/kern/kern_exit.c: the first zombie from the head of the list (LC-3), which then is gone."""
    found = False
    child = parent.first_child
    while child is not None:
        if _matches(parent, child, pid):
            found = True
            if child.state is ZOMBIE:
                return reap(child)
            if child.stop_report:
                return tracing.report_stop(child)
        child = child.next_sibling
    if not found and not any(
        held.real_parent is parent and _matches(parent, held, pid) for held in parent.kernel.traced
    ):
        raise refusal("wait4", "ECHILD", "the caller has no such child")
    if nohang:
        return None
    raise SimulationError(
        f"{parent!r} would wait for ever: none of its children has died, and nothing runs while it waits"
        " (nohang=True asks without waiting)"
    )


def _matches(parent: Process, child: Process, pid: int) -> bool:
    if pid > 0:
        return child.pid == pid
    if pid == -1:
        return child.descriptor is None or child.real_parent is not None
    return child.pgid == (-pid or parent.pgid)


def reap(zombie: Process) -> tuple[int, int]:
    """Take a zombie out of the world, and return its pid and status; a debugger gives it back to its parent."""
    kernel = zombie.kernel
    if zombie.real_parent is not None and zombie.real_parent is not zombie.parent:
        kernel.flavour.give_back(zombie)
        return zombie.pid, zombie.status
    kernel.flavour.reap(zombie)
    proctable.detach(zombie)
    kernel.table.remove(zombie)
    zombie.become(GONE)
    return zombie.pid, zombie.status
