"""A system call written in Python, registered as a FreeBSD kernel module registers its own, and called.

syscall_helper_register(9) exists inside kernels only; the simulated kernel has it with all its corners.
"""

from pydfly import SyscallError, simkernel
from pydfly.errors import refusal
from pydfly.simkernel import (
    SYF_CAPENABLED,
    SYSCALL_INIT_HELPER,
    SYSCALL_INIT_HELPER_F,
    SYSCALL_INIT_LAST,
    Process,
)

SYS_family = 210  # 210 to 219 are free for modules
SYS_adopt = 211


def sys_family(process: Process) -> str:
    """A call gets the calling process and its arguments; what it returns is the result."""
    return f"{process.name} is process {process.pid}, a child of {process.ppid}"


def sys_adopt(process: Process, pid: int) -> int:
    """A call refuses as the kernel does, with an errno by its name."""
    child = process.kernel.find(pid)
    if child is None:
        raise refusal("adopt", "ESRCH", "there is no such process")
    return child.subtree


kernel = simkernel.boot("freebsd")
shell = kernel.spawn("/bin/sh")

# the array of a module's system calls, as SYSCALL_INIT_HELPER(family), ..., SYSCALL_INIT_LAST make it in C
calls = [
    SYSCALL_INIT_HELPER_F("family", globals(), SYF_CAPENABLED),
    SYSCALL_INIT_HELPER("adopt", globals()),
    SYSCALL_INIT_LAST,
]
kernel.syscall_helper_register(calls)
print("call 210:", shell.syscall(210))
try:
    shell.syscall(211, 77)
except SyscallError as error:
    print("call 211:", error.errno_name)

sandboxed = shell.fork()
sandboxed.cap_enter()
print("in capability mode:", sandboxed.syscall(210))
try:
    sandboxed.syscall(211, 1)
except PermissionError as error:
    print("without SYF_CAPENABLED:", error.errno_name)

# a thread that is inside holds the removal up; new callers are refused meanwhile
thread = kernel.sysent.enter(210)
removal = kernel.sysent.deregistering(calls[0])
print("waited", next(removal), "s for", kernel.sysent.slots[210].inside, "thread")
thread.leave()
print("gone:", list(removal) == [])

# a module of one call has a name, by which programs find the number
module = kernel.modules.syscall_module("family", SYSCALL_INIT_HELPER("family", globals()))
kernel.modules.load(module)
number = shell.modstat(shell.modfind("sys/family")).data
print("sys/family is call", number)
