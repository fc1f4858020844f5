"""A kernel in memory that gives the answers of DragonFly's, or FreeBSD's.

Rule 1: this package is pure.  It reads no clock, starts nothing, and knows nothing of the machine it runs on, so
that the same history always ends the same way.

Rule 2: what the real kernel does and this one does not model raises NotImplementedError: no answer is guessed.

::

    kernel = simkernel.boot("dragonfly")
    shell = kernel.spawn("/bin/sh", uid=0)
    child = shell.fork()
    child.exit(0)
    assert shell.wait() == (child.pid, 0)
"""

from __future__ import annotations

from .faults import KernelPanic, SimulationError
from .kernel import Kernel, Process
from .syscalls.sysent import (
    NO_SYSCALL,
    SY_THR_STATIC,
    SYF_CAPENABLED,
    SYSCALL_INIT_HELPER,
    SYSCALL_INIT_HELPER_COMPAT,
    SYSCALL_INIT_HELPER_COMPAT_F,
    SYSCALL_INIT_HELPER_F,
    SYSCALL_INIT_LAST,
    SyscallHelperData,
    Sysent,
)

__all__ = [
    "Kernel", "KernelPanic", "NO_SYSCALL", "Process", "SYF_CAPENABLED", "SYSCALL_INIT_HELPER",
    "SYSCALL_INIT_HELPER_COMPAT", "SYSCALL_INIT_HELPER_COMPAT_F", "SYSCALL_INIT_HELPER_F",
    "SYSCALL_INIT_LAST", "SY_THR_STATIC", "SimulationError", "SyscallHelperData", "Sysent", "boot",
]  # fmt: skip

VERSIONS = {"dragonfly": ("6.4",), "freebsd": ("13.2", "main")}
"""The kernels that are modelled; the first of each is the default."""


def boot(flavour: str = "dragonfly", version: str | None = None) -> Kernel:
    """Start a simulated machine with nothing on it but init.

    Args:
        flavour: ``"dragonfly"`` or ``"freebsd"``.
        version: which kernel of that system; see ``VERSIONS``.

    Raises:
        ValueError: there is no such flavour.
        NotImplementedError: this version is not modelled.
    """
    if flavour not in VERSIONS:
        raise ValueError(f"unknown flavour {flavour!r}: it is one of {', '.join(VERSIONS)}")
    version = version or VERSIONS[flavour][0]
    if version not in VERSIONS[flavour]:
        raise NotImplementedError(f"{flavour} {version} is not modelled: {', '.join(VERSIONS[flavour])} is")
    if flavour == "freebsd":
        from .freebsd.rules import FreeBSD

        return Kernel(FreeBSD(version))
    from .dragonfly.rules import DragonFly

    return Kernel(DragonFly(version))
