"""How processes come and go: the steps that both systems take alike, with a hook where their rules differ."""

from __future__ import annotations

from copy import deepcopy

from ..errors import refusal
from . import signals
from .faults import SimulationError
from .machine import Machine
from .proc import Proc
from .states import GONE, IGNORE, RUNNING, ZOMBIE


def fork(parent: Proc, nowait: bool = False) -> Proc:
    """fork1() of sys/kern/kern_fork.c: a copy of ``parent`` at the head of a list of children."""
    kernel = parent.kernel
    child = kernel.new_process()
    inherit(parent, child)
    child.attach(kernel.flavour.fork(parent, child, nowait))
    child.become(RUNNING)
    return child


def inherit(parent: Proc, child: Proc) -> None:
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


def die(process: Proc, status: int) -> None:
    """exit1() of sys/kern/kern_exit.c: become a zombie, then what the flavour does about the family."""
    kernel = process.kernel
    if process.parent is None:
        kernel.panic("init died")
    process.become(ZOMBIE)
    process.status = status
    process.signal_queue = process.text = process.pages = None
    process.stack = ()
    kernel.flavour.exit(process)


def settle(kernel: Machine[Proc], actor: Proc) -> None:
    """Let those die that were killed: the caller first, then in the order in which the signals were sent.

    ``kernel.death_order`` (pids) says otherwise where it was set: in reality the scheduler decides.
    """
    doomed = kernel.doomed
    if actor in doomed:
        doomed.appendleft(actor)
    while doomed:
        victim = _next_victim(kernel)
        if victim.alive:
            die(victim, victim.status)


def _next_victim(kernel: Machine[Proc]) -> Proc:
    doomed = kernel.doomed
    for pid in kernel.death_order:
        for place, process in enumerate(doomed):
            if process.pid == pid and process.alive:
                del doomed[place]
                return process
    return doomed.popleft()


def ignores_children(parent: Proc) -> bool:
    """The parent wants no zombies: SIGCHLD ignored, or SA_NOCLDWAIT; both set PS_NOCLDWAIT."""
    return parent.sigchld == IGNORE or parent.nocldwait


def wait(parent: Proc, pid: int, nohang: bool) -> tuple[int, int] | None:
    """kern_wait() of sys/kern/kern_exit.c: the first zombie from the head of the list (LC-3), which then is gone."""
    found = False
    child = parent.first_child
    while child is not None:
        if _matches(parent, child, pid):
            found = True
            if child.state is ZOMBIE:
                return reap(child)
            if child.stop_report:
                return report_stop(child)
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


def report_stop(target: Proc) -> tuple[int, int]:
    """Tell the debugger that waits of a stop, once: pid and status word."""
    status = target.stop_report << 8 | 0x7F
    target.stop_report = 0
    debugger = target.parent
    assert debugger is not None
    signals.forget_child(debugger, target)
    return target.pid, status


def _matches(parent: Proc, child: Proc, pid: int) -> bool:
    if pid > 0:
        return child.pid == pid
    if pid == -1:
        return child.descriptor is None or child.real_parent is not None
    return child.pgid == (-pid or parent.pgid)


def reap(zombie: Proc) -> tuple[int, int]:
    """Take a zombie out of the world, and return its pid and status; a debugger gives it back to its parent."""
    kernel = zombie.kernel
    if zombie.real_parent is not None and zombie.real_parent is not zombie.parent:
        kernel.flavour.give_back(zombie)
        return zombie.pid, zombie.status
    kernel.flavour.reap(zombie)
    zombie.detach()
    kernel.forget(zombie)
    zombie.become(GONE)
    return zombie.pid, zombie.status
