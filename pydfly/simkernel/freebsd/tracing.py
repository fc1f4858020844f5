"""Debuggers on FreeBSD, as far as families go: sys/kern/sys_process.c (PT_ATTACH, PT_DETACH), sys/kern/kern_exit.c.

A debugger takes the place of the parent (``parent``) while the process keeps its real one (``real_parent``), which
getppid(2) and the reaper's counts go by.
"""

from __future__ import annotations

from ...errors import refusal
from .. import signals
from ..proc import Proc
from ..states import RUNNING, STOPPED
from . import permissions


def ptrace(process: Proc, request: str, pid: int) -> None:
    """sys_ptrace(), for two requests by name."""
    target = process.kernel.find(pid)
    if target is None or not target.alive:
        raise refusal("ptrace", "ESRCH", "there is no such process")
    if request == "PT_ATTACH":
        _attach(process, target)
    elif request == "PT_DETACH":
        _detach(process, target)
    else:
        raise NotImplementedError(f"ptrace({request}) is not modelled: PT_ATTACH and PT_DETACH are")


def _attach(process: Proc, target: Proc) -> None:
    """PT_ATTACH: become the parent, and stop it.  The debugger waits for the stop."""
    if target is process:
        raise refusal("ptrace", "EINVAL", "a process cannot attach to itself")
    if target.real_parent is not None:
        raise refusal("ptrace", "EBUSY", "the process is being traced already")
    refused = permissions.candebug(process, target)
    if refused is not None:
        raise refusal("ptrace", refused, "this process may not debug the other one")
    if target.parent is None:
        raise NotImplementedError("to trace init is not modelled")
    target.real_parent = target.parent
    if target.parent is not process:
        target.reparent(process)
    target.kernel.traced.append(target)
    if target.state is RUNNING:
        target.become(STOPPED)
    target.stop_report = signals.SIGSTOP
    signals.post(process, signals.SIGCHLD, "CLD_TRAPPED", target.pid, target.ruid, signals.SIGSTOP, True)


def _detach(process: Proc, target: Proc) -> None:
    """PT_DETACH: give it back, and let it run."""
    if target.real_parent is None:
        raise refusal("ptrace", "EPERM", "the process is not being traced")
    if target.parent is not process:
        raise refusal("ptrace", "EBUSY", "another process traces it")
    give_back(target)
    target.stop_report = 0
    if target.state is STOPPED:
        target.become(RUNNING)


def give_back(target: Proc) -> None:
    """proc_reparent() to the real parent, at the head of its list."""
    parent = target.real_parent
    assert parent is not None
    target.real_parent = None
    target.kernel.traced.remove(target)
    if target.parent is not parent:
        target.reparent(parent)


def debugger_exits(debugger: Proc, target: Proc) -> None:
    """exit1(): a process is given back and killed with its debugger (kern.kill_on_debugger_exit)."""
    if target.real_parent is debugger:
        target.real_parent = target.reaper
    target.stop_report = 0
    give_back(target)
    if target.alive:
        signals.post(target, signals.SIGKILL, "SI_KERNEL")


def real_parent_exits(parent: Proc) -> None:
    """exit1(): a child that a debugger holds gets the parent-death signal, and its reaper as real parent."""
    for target in parent.kernel.traced:
        if target.real_parent is parent and target.parent is not parent:
            target.real_parent = target.reaper
            if target.deathsig:
                signals.post(target, target.deathsig, "SI_KERNEL")
