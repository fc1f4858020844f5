"""Just enough delivery for kill(2), the parent-death signal and SIGCHLD.

A new process blocks every signal that can be blocked: a signal stays pending, or is ignored by default and leaves
no trace, or cannot be blocked (SIGKILL, SIGSTOP).  In a process that was told to unblock them they take their
default action.  Deaths take effect when the call that caused them is over: ``lifecycle.settle``.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import index

from ..errors import refusal
from .machine import Machine
from .proc import PendingSignal, Proc
from .states import CATCH, RUNNING, STOPPED

SIGKILL, SIGSTOP, SIGTSTP, SIGCONT, SIGCHLD, SIGTTIN, SIGTTOU = 9, 17, 18, 19, 20, 21, 22  # both systems' numbers
STOPPING = frozenset({SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU})


def meaning(kernel: Machine[Proc], sig: int) -> int:
    """Return the simulated system's number for what ``sig`` means.

    A plain int is such a number.  A host's ``signal.Signals`` keeps its own number but means what its name says.
    """
    name = getattr(sig, "name", None)
    if name is None:
        return sig
    own = kernel.constants.Signal.__members__.get(name)
    return int(sig if own is None else own)


def post(
    target: Proc,
    sig: int,
    code: str = "SI_USER",
    pid: int | None = None,
    uid: int | None = None,
    status: int | None = None,
    with_child: bool = False,
) -> None:
    """Deliver one signal to a living process: lwpsignal() of sys/kern/kern_sig.c, tdsendsignal() on FreeBSD."""
    kernel = target.kernel
    number = int(sig)
    flavour = kernel.flavour
    if number > flavour.highest_deliverable:
        # DragonFly, sys/kern/kern_sig.c, lwpsignal(): panics on a number that no signal set has room for
        kernel.panic(f"signal {number} was delivered to process {target.pid}: no such signal can be")
    what = sig if type(sig) is int else meaning(kernel, sig)
    if what in flavour.ignored_by_default or (what == SIGCHLD and target.sigchld != CATCH):
        return
    if what == SIGKILL:
        doom(target, number)
        return
    if (what == SIGCONT or what in STOPPING) and job_control(target, what):
        return
    if target.blocks_signals:
        keep_pending(target, PendingSignal(sig, code, pid, uid, status, with_child))
    elif what != SIGCHLD:  # the default action; a handler for SIGCHLD does nothing in this model
        doom(target, number)


def doom(target: Proc, status: int) -> None:
    """Have the process die when the present call is over; init never does."""
    if target.parent is not None:
        target.status = status
        target.kernel.doomed.append(target)


def keep_pending(target: Proc, entry: PendingSignal) -> None:
    """Add to what waits for the process; DragonFly keeps one of a kind, FreeBSD every instance (sigqueue_add())."""
    if target.signal_queue is None:
        target.signal_queue = [entry]
    elif target.kernel.flavour.queues_every_instance or all(
        other.signal != entry.signal for other in target.signal_queue
    ):
        target.signal_queue.append(entry)


def job_control(target: Proc, what: int) -> bool:
    """Stop or continue; say whether that is all the signal does.

    Both systems: a stop signal removes a pending SIGCONT and the reverse, even where they are blocked.
    """
    opposite = STOPPING if what == SIGCONT else frozenset({SIGCONT})
    if target.signal_queue:
        target.signal_queue = _without(target, opposite)
    if what == SIGCONT:
        if target.state is STOPPED:
            target.become(RUNNING)
        return not target.blocks_signals
    if what != SIGSTOP and target.blocks_signals:
        return False
    if target.state is RUNNING and target.parent is not None:
        target.become(STOPPED)
    return True


def block(process: Proc, blocked: bool) -> None:
    """sigprocmask(): block everything that can be blocked, or nothing; what was pending is delivered then."""
    process.blocks_signals = blocked
    if not blocked and process.signal_queue:
        queue, process.signal_queue = process.signal_queue, None
        for entry in queue:
            post(process, *entry)


def kill(sender: Proc, pid: int, sig: int) -> None:
    """kern_kill() of sys/kern/kern_sig.c; sys_kill() on FreeBSD."""
    kernel = sender.kernel
    number = index(sig)
    if sender.capmode and pid != sender.pid:  # FreeBSD, sys/kern/kern_sig.c, sys_kill()
        raise refusal("kill", "ECAPMODE", "in capability mode a process can signal itself only")
    if not 0 <= number <= kernel.flavour.highest_killable:
        raise refusal("kill", "EINVAL", f"there is no signal {number}")
    if pid <= 0:
        kill_many(sender, _members(sender, pid), sig)
        return
    target = kernel.find(pid)
    if target is None:
        raise refusal("kill", "ESRCH", "there is no process with this id")
    refused = kernel.flavour.refuses_kill(sender, target, sig, True)
    if refused is not None:
        raise refusal("kill", refused[0], refused[1])
    if number and target.alive:
        post(target, sig, "SI_USER", sender.pid, sender.ruid)


def _members(sender: Proc, pid: int) -> Iterator[Proc]:
    """Return the targets of kill(0), kill(-1) and kill(-pgrp).

    Order: by pid.  (The kernel's own lists are ordered by hash and by the history of the group; the difference can
    be seen only in the order in which several die.)
    """
    if pid == -1:  # sys/kern/kern_sig.c, killpg_all_callback(): not the caller itself
        return (process for process in sender.kernel.processes() if process is not sender)
    group = -pid or sender.pgid
    return (process for process in sender.kernel.processes() if process.pgid == group)


def kill_many(sender: Proc, targets: Iterator[Proc], sig: int) -> None:
    """dokillpg() of sys/kern/kern_sig.c: a target that refuses is skipped; ESRCH if that leaves none."""
    visible, allowed = False, []
    for target in targets:
        if target.alive and target.parent is not None:
            refused = sender.kernel.flavour.refuses_kill(sender, target, sig, False)
            if refused is None:
                allowed.append(target)
            visible = visible or refused is None or refused[0] != "ESRCH"
    if not allowed:
        errno_name = sender.kernel.flavour.nobody_allowed if visible else "ESRCH"
        raise refusal("kill", errno_name, "there is no process that may be signalled")
    if int(sig):
        for target in allowed:
            post(target, sig, "SI_USER", sender.pid, sender.ruid)


def dispose_sigchld(process: Proc, disposition: str) -> None:
    """kern_sigaction(): SIG_IGN, and SIG_DFL for what is ignored by default, drop a pending signal."""
    process.sigchld = disposition
    process.nocldwait = False
    if disposition != CATCH and process.signal_queue:
        process.signal_queue = _without(process, frozenset({SIGCHLD}))


def _without(process: Proc, signals: frozenset[int]) -> list[PendingSignal]:
    """Return what is pending but for these signals."""
    return [entry for entry in process.signal_queue or () if meaning(process.kernel, entry.signal) not in signals]


def forget_child(parent: Proc, child: Proc) -> None:
    """Take the SIGCHLD about a child out of what waits for its parent: sigqueue_take() in FreeBSD's proc_reap()."""
    parent.signal_queue = [
        entry for entry in parent.signal_queue or () if not (entry.with_child and entry.pid == child.pid)
    ]


def notify_parent(parent: Proc, child: Proc) -> None:
    """SIGCHLD to the parent of a process that died: exit1() of sys/kern/kern_exit.c."""
    post(parent, SIGCHLD, "SI_KERNEL", child.pid, child.ruid)
