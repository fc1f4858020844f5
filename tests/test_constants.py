"""The numbers of both systems, and that each namespace holds each member of its enums."""

from __future__ import annotations

import enum
import subprocess
import sys
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
    "PROC_TRACE_CTL": 7,
    "PROC_TRACE_STATUS": 8,
    "PROC_TRAPCAP_CTL": 9,
    "PROC_TRAPCAP_STATUS": 10,
    "PROC_PDEATHSIG_CTL": 11,
    "PROC_PDEATHSIG_STATUS": 12,
    "PROC_ASLR_CTL": 13,
    "PROC_ASLR_STATUS": 14,
    "PROC_PROTMAX_CTL": 15,
    "PROC_PROTMAX_STATUS": 16,
    "PROC_STACKGAP_CTL": 17,
    "PROC_STACKGAP_STATUS": 18,
    "PROC_NO_NEW_PRIVS_CTL": 19,
    "PROC_NO_NEW_PRIVS_STATUS": 20,
    "PROC_WXMAP_CTL": 21,
    "PROC_WXMAP_STATUS": 22,
    "PROC_LOGSIGEXIT_CTL": 23,
    "PROC_LOGSIGEXIT_STATUS": 24,
    "PROC_PROCCTL_MD_MIN": 0x10000000,
    "PROC_KPTI_CTL": 0x10000000,
    "PROC_KPTI_STATUS": 0x10000001,
    "PROC_LA_CTL": 0x10000002,
    "PROC_LA_STATUS": 0x10000003,
    "PPROT_SET": 1,
    "PPROT_CLEAR": 2,
    "PPROT_DESCEND": 0x10,
    "PPROT_INHERIT": 0x20,
    "REAPER_STATUS_OWNED": 1,
    "REAPER_STATUS_REALINIT": 2,
    "REAPER_PIDINFO_VALID": 1,
    "REAPER_PIDINFO_CHILD": 2,
    "REAPER_PIDINFO_REAPER": 4,
    "REAPER_PIDINFO_ZOMBIE": 8,
    "REAPER_PIDINFO_STOPPED": 0x10,
    "REAPER_PIDINFO_EXITING": 0x20,
    "REAPER_KILL_CHILDREN": 1,
    "REAPER_KILL_SUBTREE": 2,
    "PROC_TRACE_CTL_ENABLE": 1,
    "PROC_TRACE_CTL_DISABLE": 2,
    "PROC_TRACE_CTL_DISABLE_EXEC": 3,
    "PROC_TRAPCAP_CTL_ENABLE": 1,
    "PROC_TRAPCAP_CTL_DISABLE": 2,
    "PROC_ASLR_FORCE_ENABLE": 1,
    "PROC_ASLR_FORCE_DISABLE": 2,
    "PROC_ASLR_NOFORCE": 3,
    "PROC_ASLR_ACTIVE": 0x80000000,
    "PROC_PROTMAX_FORCE_ENABLE": 1,
    "PROC_PROTMAX_FORCE_DISABLE": 2,
    "PROC_PROTMAX_NOFORCE": 3,
    "PROC_PROTMAX_ACTIVE": 0x80000000,
    "PROC_STACKGAP_ENABLE": 1,
    "PROC_STACKGAP_DISABLE": 2,
    "PROC_STACKGAP_ENABLE_EXEC": 4,
    "PROC_STACKGAP_DISABLE_EXEC": 8,
    "PROC_NO_NEW_PRIVS_ENABLE": 1,
    "PROC_NO_NEW_PRIVS_DISABLE": 2,
    "PROC_WX_MAPPINGS_PERMIT": 1,
    "PROC_WX_MAPPINGS_DISALLOW_EXEC": 2,
    "PROC_WXORX_ENFORCE": 0x80000000,
    "PROC_LOGSIGEXIT_CTL_NOFORCE": 1,
    "PROC_LOGSIGEXIT_CTL_FORCE_ENABLE": 2,
    "PROC_LOGSIGEXIT_CTL_FORCE_DISABLE": 3,
    "PROC_KPTI_CTL_ENABLE_ON_EXEC": 1,
    "PROC_KPTI_CTL_DISABLE_ON_EXEC": 2,
    "PROC_KPTI_STATUS_ACTIVE": 0x80000000,
    "PROC_LA_CTL_LA48_ON_EXEC": 1,
    "PROC_LA_CTL_LA57_ON_EXEC": 2,
    "PROC_LA_CTL_DEFAULT_ON_EXEC": 3,
    "PROC_LA_STATUS_LA48": 0x01000000,
    "PROC_LA_STATUS_LA57": 0x02000000,
    "P_ZONEID": 12,
    "SYS_procctl": 544,
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


@pytest.mark.parametrize("system", ["dragonfly", "freebsd"])
def test_reachable_after_a_plain_import(system: str) -> None:
    """``pydfly.constants.freebsd`` needs no import of its own, and a name that is none is an AttributeError."""
    code = f"import pydfly; print(int(pydfly.constants.{system}.PROC_REAP_ACQUIRE), hasattr(pydfly.constants, 'linux'))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == [str({"dragonfly": 1, "freebsd": 2}[system]), "False"]


@pytest.mark.parametrize(
    ("backend", "name", "told"),
    [
        ("sim:dragonfly", "PROC_REAP_KILL", "only FreeBSD has PROC_REAP_KILL"),
        ("sim:freebsd", "SYS_exec_sys_register", "only DragonFly has SYS_exec_sys_register"),
        ("sim:freebsd", "PROC_REAP_NOTHING", "module 'pydfly' has no attribute 'PROC_REAP_NOTHING'"),
    ],
)
def test_a_name_of_the_other_system_says_whose_it_is(backend: str, name: str, told: str) -> None:
    """The error for a missing constant says that another flavour has it."""
    with pydfly.use(backend), pytest.raises(AttributeError, match=told):
        getattr(pydfly, name)
