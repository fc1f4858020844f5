"""DragonFly's rules (June 2023): what happens to families and domains, which signals are allowed, and its own calls."""

from __future__ import annotations

from collections.abc import Mapping

from ...constants import dragonfly as numbers
from ...errors import refusal
from ...structs import ResidentEntry
from .. import execution, lifecycle, signals
from ..machine import Machine
from ..proc import Node, Proc
from ..syscalls import modules
from ..syscalls.numbers import LAYOUTS
from ..syscalls.table import SyscallTable
from ..vnodes import Executed, File
from . import reaping, rtld
from .procctl import procctl
from .residents import Residents


class DragonFly:
    """The flavour ``dragonfly``."""

    name = "dragonfly"
    ignored_by_default = frozenset({16, 23, 28, 29, 32, *range(35, 64)})  # sys/kern/kern_sig.c, sigproptbl
    highest_killable = 127  # sys/kern/kern_sig.c, kern_kill()
    highest_deliverable = 127  # sys/kern/kern_sig.c, lwpsignal()
    queues_every_instance = False
    nobody_allowed = "ESRCH"
    calls: Mapping[str, int] = {
        "procctl": numbers.SYS_procctl,
        "exec_sys_register": numbers.SYS_exec_sys_register,
        "exec_sys_unregister": numbers.SYS_exec_sys_unregister,
        "ptrace": 26,  # not modelled here: NotImplementedError
        **modules.CALLS,
    }

    def __init__(self, version: str) -> None:
        self.version = version
        self.sysctls: dict[str, int] = {}
        self.residents = Residents()

    def table(self, kernel: Machine[Proc]) -> SyscallTable:
        """Make the system-call table."""
        return SyscallTable(LAYOUTS["dragonfly", self.version], self.missing_call)

    def start(self, kernel: Machine[Proc]) -> None:
        """Make init the root reaper, and put the kernel's calls into the table."""
        reaping.acquire(kernel.init)  # sys/kern/init_main.c: reaper_init(initproc, &initreaper)
        kernel.sysent.install(numbers.SYS_procctl, procctl, 4)
        kernel.sysent.install(numbers.SYS_exec_sys_register, self.residents.register, 1)
        kernel.sysent.install(numbers.SYS_exec_sys_unregister, self.residents.unregister, 1)
        kernel.modules.install_calls()

    def fork(self, parent: Proc, child: Proc, nowait: bool) -> Proc:
        """fork1(): the child is a member of its parent's domain, also under RFNOWAIT, never its owner."""
        reaping.enter(child, parent.node)
        return self._adopter(parent, parent.node) if nowait else parent

    def execve(self, process: Proc, file: File, argv: tuple[str, ...], environ: Mapping[str, str]) -> Executed:
        """kern_execve(): reaper, ownership and children are kept; so is what is pending."""
        if file.bad:
            raise refusal("execve", "ENOEXEC", "the file is in no format that can be executed")
        text = process.kernel.vnodes.lookup(file.interpreter or file.path)
        if execution.gives_ids(file, process) and not file.nosuid:
            process.deathsig = 0
            execution.set_ids(process, file)
        else:
            execution.keep_ids(process)
        execution.replace_image(process, text, argv, environ)
        registration = self.residents.of(text)
        if registration is None:
            started = Executed(False, execution.ORDINARY_ENTRY)
        else:
            registration.restore(process)  # exec_resident_imgact() runs before the activators for ELF and scripts
            started = Executed(True, registration.entry)
        if environ and not file.static:
            rtld.start(process, started.resident)
        return started

    def exit(self, process: Proc) -> None:
        """exit1(): ownership, children, the zombie itself, its reference, and only then SIGCHLD (LC-10)."""
        node = reaping.leave(process)
        child = process.first_child
        if child is not None:
            adopter = self._adopter(process, node)
            while child is not None:
                after = child.next_sibling
                child.reparent(adopter)  # each to the head of the list: the batch is reversed (LC-2)
                if child.deathsig and child.alive:
                    signals.post(child, child.deathsig, "SI_USER", process.pid, process.ruid)
                child = after
        parent = process.parent
        assert parent is not None
        if lifecycle.ignores_children(parent):
            adopter = self._adopter(process, node)
            if adopter is not parent:  # LC-6: a reaper keeps the zombies of its own domain
                process.reparent(adopter)
                parent = adopter
        reaping.drop(node)
        signals.notify_parent(parent, process)

    def reap(self, zombie: Proc) -> None:
        """kern_wait(): nothing about reapers; the reference was dropped at exit."""

    def give_back(self, zombie: Proc) -> None:
        """Debuggers are not modelled here, so no process is ever held."""
        raise NotImplementedError("debuggers are modelled for FreeBSD only")

    def refuses_kill(self, sender: Proc, target: Proc, sig: int, direct: bool) -> tuple[str, str] | None:
        """CANSIGNAL of sys/kern/kern_sig.c; a zombie is signalled without any test, in vain (kern_kill())."""
        if target is sender or not target.alive:
            return None
        if sig and sender.sid == target.sid and signals.meaning(sender.kernel, sig) == signals.SIGCONT:
            return None
        if sender.jailed and not target.jailed:  # PRISON_CHECK() in p_trespass(), sys/kern/kern_prot.c
            return "EPERM", "the process is outside the caller's jail"
        ids = {sender.ruid, sender.euid}
        if sender.euid != 0 and target.ruid not in ids and target.euid not in ids:  # p_trespass(), kern_prot.c
            return "EPERM", "the process belongs to another user"
        if reaping.confines(sender, target, direct):
            return "EPERM", "the process is outside the caller's reaper domain, where not even root may signal"
        return None

    def is_reaper(self, process: Proc) -> bool:
        """Say whether it owns a domain."""
        return reaping.owns(process)

    def is_member(self, process: Proc, reaper: Proc) -> bool:
        """Say whether it belongs, or as a zombie belonged, to the reaper's domain or to one inside it."""
        return process is not reaper and reaping.encloses(reaper.node, process.node)

    def vm_resident(self, process: Proc, length: int | None) -> list[ResidentEntry]:
        """Read the sysctl into a buffer of so many bytes; None: one that is large enough."""
        return self.residents.listing(process, length)

    def vm_resident_length(self, process: Proc) -> int:
        """Read the sysctl without a buffer."""
        return self.residents.length(process)

    def missing_call(self, process: Proc | None, number: int, told: bool) -> object:
        """sys_nosys() of sys/kern/kern_sig.c, and trap.c: SIGSYS, and EINVAL (DP-11)."""
        if process is not None:
            signals.post(process, numbers.SIGSYS)
        raise refusal("syscall", "EINVAL", f"there is no system call {number}; the process got SIGSYS")

    def _adopter(self, process: Proc, node: Node | None) -> Proc:
        adopter = reaping.living_owner(node)
        if adopter is None:
            process.kernel.panic("no living reaper is left: init has released the root domain")
        return adopter
