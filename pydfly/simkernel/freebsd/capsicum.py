"""FreeBSD's Capsicum, as far as processes go: capability mode, and process descriptors.

Sources: sys/kern/sys_capability.c, sys/kern/sys_procdesc.c.  A process descriptor is a file: fork copies the number,
and the process it stands for learns of it only when the last copy is closed.
"""

from __future__ import annotations

from ...errors import refusal
from .. import lifecycle, signals
from ..proc import Proc, ProcessDescriptor

PD_DAEMON = 1
"""The process is not killed when its descriptor is closed."""
PD_CLOEXEC = 2
"""An exec closes the descriptor."""
FIRST_DESCRIPTOR = 3


def cap_enter(process: Proc) -> None:
    """sys_cap_enter(): there is no way back, and children are born into it."""
    process.capmode = True


def pdfork(process: Proc, flags: int) -> tuple[int, Proc]:
    """sys_pdfork(): return a descriptor and the child, which a wait for any child will not find (FR-9)."""
    if flags & ~(PD_DAEMON | PD_CLOEXEC):
        raise refusal("pdfork", "EINVAL", "the flags are PD_DAEMON and PD_CLOEXEC")
    if flags & PD_CLOEXEC:
        raise NotImplementedError("a process descriptor that an exec closes (PD_CLOEXEC) is not modelled")
    child = lifecycle.fork(process)
    descriptor = ProcessDescriptor(child, bool(flags & PD_DAEMON))
    child.descriptor = descriptor
    files = process.files or {}
    number = next(number for number in range(FIRST_DESCRIPTOR, len(files) + 4) if number not in files)
    process.files = {**files, number: descriptor}
    return number, child


def share(files: dict[int, ProcessDescriptor]) -> dict[int, ProcessDescriptor]:
    """fdcopy(): a fork has the same files open."""
    for descriptor in files.values():
        descriptor.holders += 1
    return dict(files)


def close(process: Proc, number: int) -> None:
    """sys_close() of a process descriptor."""
    descriptor = (process.files or {}).pop(number, None)
    if descriptor is None:
        raise refusal("close", "EBADF", "it is no process descriptor of this process")
    release(descriptor)


def close_all(process: Proc) -> None:
    """fdescfree(): a process that exits closes its files before anything else."""
    files, process.files = process.files, None
    for descriptor in (files or {}).values():
        release(descriptor)


def release(descriptor: ProcessDescriptor) -> None:
    """procdesc_close(): without its last descriptor the process is waited for, or handed to its reaper."""
    descriptor.holders -= 1
    process = descriptor.process
    if descriptor.holders or process.descriptor is not descriptor:
        return
    process.descriptor = None
    if not process.alive:
        lifecycle.reap(process)
        return
    reaper = process.reaper
    if reaper is not None and reaper is not process.parent:
        process.reparent(reaper)
    if not descriptor.daemon:
        signals.post(process, signals.SIGKILL, "SI_KERNEL")
