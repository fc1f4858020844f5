"""The states of a process and which may follow which; what a process can do with SIGCHLD."""

from __future__ import annotations

EMBRYO, RUNNING, STOPPED, ZOMBIE, GONE = "embryo", "running", "stopped", "zombie", "gone"
DEFAULT, IGNORE, CATCH = "default", "ignore", "catch"
TRANSITIONS = {
    EMBRYO: {RUNNING},  # sys/kern/kern_fork.c, start_forked_proc(): SIDL to SACTIVE
    RUNNING: {STOPPED, ZOMBIE},  # sys/kern/kern_sig.c, proc_stop(); sys/kern/kern_exit.c, exit1()
    STOPPED: {RUNNING, ZOMBIE},  # sys/kern/kern_sig.c, proc_unstop(); SIGKILL ends a stopped process
    ZOMBIE: {GONE},  # sys/kern/kern_exit.c, kern_wait()
    GONE: set(),
}
"""Which state may follow which."""
