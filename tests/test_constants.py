"""The numbers of both systems, and that each namespace holds each member of its enums."""

from __future__ import annotations

import enum
from types import ModuleType

import pytest

import pydfly
from pydfly import constants
from pydfly.constants import bsd, dragonfly, freebsd

BOTH = {
    "P_PID": 0,
    "P_PPID": 1,
    "P_PGID": 2,
    "P_ALL": 7,
    "P_JAILID": 12,
    "P_PSETID": 15,
    "SIG_MAXSIG": 128,
    "SIGCHLD": 20,
    "SIGSTOP": 17,
    "SIGTSTP": 18,
    "SIGCONT": 19,
    "SIGUSR1": 30,
    "SIGUSR2": 31,
    "SIGBUS": 10,
    "SIGSYS": 12,
    "SIGINFO": 29,
    "WNOHANG": 1,
    "WUNTRACED": 2,
    "WCONTINUED": 4,
    "WNOWAIT": 8,
    "WEXITED": 16,
    "WTRAPPED": 32,
}
DRAGONFLY = {
    "PROC_REAP_ACQUIRE": 1,
    "PROC_REAP_RELEASE": 2,
    "PROC_REAP_STATUS": 3,
    "PROC_PDEATHSIG_CTL": 4,
    "PROC_PDEATHSIG_STATUS": 5,
    "REAPER_STAT_OWNED": 1,
    "REAPER_STAT_REALINIT": 2,
    "SYS_procctl": 536,
    "SYS_exec_sys_register": 465,
    "SYS_exec_sys_unregister": 466,
}
FREEBSD = {
    "PROC_SPROTECT": 1,
    "PROC_REAP_ACQUIRE": 2,
    "PROC_REAP_RELEASE": 3,
    "PROC_REAP_STATUS": 4,
    "PROC_REAP_GETPIDS": 5,
    "PROC_REAP_KILL": 6,
    "PROC_PDEATHSIG_CTL": 11,
    "PROC_PDEATHSIG_STATUS": 12,
    "PROC_LOGSIGEXIT_STATUS": 24,
    "PROC_KPTI_CTL": 0x10000000,
    "PROC_LA_STATUS": 0x10000003,
    "PROC_PROCCTL_MD_MIN": 0x10000000,
    "SYS_procctl": 544,
    "P_ZONEID": 12,
    "PROC_ASLR_ACTIVE": 0x80000000,
    "PROC_WXORX_ENFORCE": 0x80000000,
}


@pytest.mark.parametrize(
    ("module", "numbers"), [(dragonfly, {**BOTH, **DRAGONFLY}), (freebsd, {**BOTH, **FREEBSD}), (bsd, BOTH)]
)
def test_numbers(module: ModuleType, numbers: dict[str, int]) -> None:
    assert {name: int(getattr(module, name)) for name in numbers} == numbers


@pytest.mark.parametrize("module", [dragonfly, freebsd])
def test_each_member_has_its_name_in_the_namespace(module: ModuleType) -> None:
    """The unpacking lists of the modules are complete and in order."""
    enums = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, enum.Enum)]
    members = {
        name: member
        for kind in enums
        if kind.__module__.startswith("pydfly.")
        for name, member in kind.__members__.items()
    }
    members = {name: member for name, member in members.items() if name not in ("OWN", "ALL")}
    assert len(members) > 40
    assert {name: getattr(module, name) for name in members} == members


def test_flavour_in_force() -> None:
    """pydfly.X is the member of the flavour in force, at every use."""
    with pydfly.use("linux" if pydfly.backend().name == "linux" else "sim"):
        assert pydfly.PROC_REAP_ACQUIRE is dragonfly.PROC_REAP_ACQUIRE
    assert constants.of("freebsd") is freebsd
    with pytest.raises(ValueError, match="netbsd"):
        constants.of("netbsd")
