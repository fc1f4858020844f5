"""FreeBSD's rules (13.2, and main of August 2026): families, domains, and which signals are allowed."""

from __future__ import annotations

from collections.abc import Mapping

from ...constants import freebsd as numbers
from ...errors import refusal
from ...structs import ResidentEntry
from .. import execution, lifecycle, signals
from ..machine import Machine
from ..proc import NO_CONTROLS, NO_ENVIRONMENT, Proc
from ..states import RUNNING
from ..syscalls import modules
from ..syscalls.freebsd import FreeBSDTable
from ..syscalls.numbers import LAYOUTS
from ..syscalls.sysent import SYF_CAPENABLED
from ..syscalls.table import SyscallTable
from ..vnodes import Executed, File
from . import capsicum, controls, permissions, reaplists, tracing
from .procctl import Procctl

_CAPSICUM = {"cap_enter": 516, "pdfork": 518}  # sys/sys/syscall.h
_CLOSE, _PTRACE = 6, 26


class FreeBSD:
    """The flavour ``freebsd``.

    Attributes:
        main: it is a kernel after 13.2.
        sysctls: the switches that the model looks at, by name.
    """

    name = "freebsd"
    ignored_by_default = frozenset({16, 23, 28, 29})  # sys/kern/kern_sig.c, sigproptbl; seen on 13.2
    highest_killable = 128  # sys/kern/kern_sig.c, sys_kill()
    highest_deliverable = 128
    queues_every_instance = True  # sys/kern/kern_sig.c, sigqueue_add()
    nobody_allowed = "EPERM"  # sys/kern/kern_sig.c, killpg1()
    calls: Mapping[str, int] = {
        "procctl": numbers.SYS_procctl,
        "close": _CLOSE,
        "ptrace": _PTRACE,
        **_CAPSICUM,
        **modules.CALLS,
    }

    def __init__(self, version: str) -> None:
        self.version = version
        self.main = version != "13.2"
        self.sysctls: dict[str, int] = {**permissions.SYSCTLS, **controls.SYSCTLS, "kern.signosys": 1}

    def table(self, kernel: Machine[Proc]) -> SyscallTable:
        """Make the system-call table."""

        def pause(seconds: float) -> None:
            kernel.clock += seconds

        return FreeBSDTable(LAYOUTS["freebsd", self.version], self.missing_call, self.main, pause)

    def start(self, kernel: Machine[Proc]) -> None:
        """Make init the root reaper, and put the kernel's calls into the table."""
        init = kernel.init
        init.reaper, init.domain, init.subtree = init, {}, init.pid
        controls.after_exec(init, False)
        kernel_process = Proc(kernel, 0, NO_ENVIRONMENT, NO_CONTROLS)
        kernel_process.become(RUNNING)
        table = kernel.sysent
        table.install(numbers.SYS_procctl, Procctl(self.main, kernel_process), 4)
        table.install(_CLOSE, capsicum.close, 1, SYF_CAPENABLED)
        table.install(_PTRACE, tracing.ptrace, 2)
        table.install(_CAPSICUM["cap_enter"], capsicum.cap_enter, 0, SYF_CAPENABLED)
        table.install(_CAPSICUM["pdfork"], capsicum.pdfork, 1, SYF_CAPENABLED)
        kernel.modules.install_calls()

    def fork(self, parent: Proc, child: Proc, nowait: bool) -> Proc:
        """do_fork(): with RFNOWAIT the caller's reaper is parent and reaper of the child, even if it is one itself."""
        reaper = reaplists.reaper_of(parent)
        if nowait:
            assert parent.reaper is not None
            reaper = parent.reaper
        reaplists.enter(child, reaper, parent)
        child.controls = controls.inherited(parent.controls)
        child.capmode = parent.capmode
        if parent.files:
            child.files = capsicum.share(parent.files)
        return reaper if nowait else parent

    def execve(self, process: Proc, file: File, argv: tuple[str, ...], environ: Mapping[str, str]) -> Executed:
        """do_execve(): the parent-death signal goes as soon as a set-id bit would matter, whatever comes of it."""
        if process.capmode:
            raise refusal("execve", "ECAPMODE", "no file can be named in capability mode")
        sets_ids = execution.gives_ids(file, process)
        if sets_ids:
            process.deathsig = 0
        if file.bad:
            raise refusal("execve", "ENOEXEC", "the file is in no format that can be executed")
        sets_ids = sets_ids and not (file.nosuid or process.real_parent or "no_new_privs" in process.controls)
        if sets_ids:
            execution.set_ids(process, file)
        else:
            execution.keep_ids(process)
        text = process.kernel.vnodes.lookup(file.interpreter or file.path)
        execution.replace_image(process, text, argv, environ)
        controls.after_exec(process, sets_ids)
        return Executed(False, execution.ORDINARY_ENTRY)

    def exit(self, process: Proc) -> None:
        """exit1(): files, children, processes that debuggers hold, the zombie itself, and only then SIGCHLD (LC-10)."""
        if process.files:
            capsicum.close_all(process)
        child = process.first_child
        while child is not None:
            after = child.next_sibling
            if child.real_parent is not None:
                tracing.debugger_exits(process, child)
            else:
                self._orphan(process, child)
            child = after
        if process.kernel.traced:
            tracing.real_parent_exits(process)
        if process.descriptor is not None:
            return  # procdesc_exit(): the holder of the descriptor is told, not the parent
        parent, reaper = process.parent, process.reaper
        assert parent is not None and reaper is not None
        if lifecycle.ignores_children(parent) and reaper is not parent:  # LC-6
            process.reparent(reaper)
            parent = reaper
        _tell_of_zombie(parent, process, True)

    def _orphan(self, parent: Proc, child: Proc) -> None:
        """Hand a child to its own reaper, where it stays if that is the dying parent itself (LC-1)."""
        reaper = child.reaper
        assert reaper is not None
        if reaper is not parent:
            child.reparent(reaper)
        if not child.alive:
            _tell_of_zombie(reaper, child, False)  # LC-5
        elif child.deathsig:
            signals.post(child, child.deathsig, "SI_KERNEL")

    def reap(self, zombie: Proc) -> None:
        """proc_reap(): its SIGCHLD is no news any longer; a dead reaper's domain is handed on only now."""
        parent = zombie.parent
        if parent is not None and parent.signal_queue:
            signals.forget_child(parent, zombie)
        zombie.descriptor = None  # procdesc_reap()
        reaplists.leave(zombie)

    def give_back(self, zombie: Proc) -> None:
        """proc_reap(): the real parent is told, and waits for it in its turn."""
        debugger, parent = zombie.parent, zombie.real_parent
        assert debugger is not None and parent is not None
        signals.forget_child(debugger, zombie)
        tracing.give_back(zombie)
        _tell_of_zombie(parent, zombie, True)

    def refuses_kill(self, sender: Proc, target: Proc, sig: int, direct: bool) -> tuple[str, str] | None:
        """p_cansignal(); for zombies too.  Domains do not matter."""
        refused = permissions.cansignal(sender, target, sig)
        if refused is None:
            return None
        return refused, "the process belongs to another user, changed its ids, or is not to be seen"

    def is_reaper(self, process: Proc) -> bool:
        """Say whether it owns a domain."""
        return process.domain is not None

    def is_member(self, process: Proc, reaper: Proc) -> bool:
        """Say whether it belongs to the reaper's domain or to one inside it."""
        while process.parent is not None:
            above = process.reaper
            assert above is not None
            if above is reaper:
                return True
            process = above
        return False

    def vm_resident(self, process: Proc, length: int | None) -> list[ResidentEntry]:
        """There are no resident executables."""
        raise refusal("vm.resident", "ENOSYS")

    def vm_resident_length(self, process: Proc) -> int:
        """There are no resident executables."""
        raise refusal("vm.resident", "ENOSYS")

    def missing_call(self, process: Proc | None, number: int, told: bool) -> object:
        """nosys() of sys/kern/kern_sig.c: ENOSYS, and SIGSYS unless the slot only waits for a module (13.2)."""
        if told and process is not None and (not self.main or self.sysctls["kern.signosys"]):
            signals.post(process, numbers.SIGSYS, "SI_KERNEL")
        raise refusal("syscall", "ENOSYS", f"there is no system call {number}")


def _tell_of_zombie(parent: Proc, zombie: Proc, with_zombie: bool) -> None:
    """SIGCHLD about a process that died; ``with_zombie``: it goes when the zombie is waited for."""
    if parent.alive:
        killed = zombie.status & 0x7F
        signals.post(
            parent,
            signals.SIGCHLD,
            "CLD_KILLED" if killed else "CLD_EXITED",
            zombie.pid,
            zombie.ruid,
            killed or zombie.status >> 8,
            with_zombie,
        )
