"""The other commands of FreeBSD's procctl."""

from __future__ import annotations

from ..behaviour import behaviour
from ..world import World, outcome


def _told(world: World, *commands: str) -> tuple[object, ...]:
    """Ask several STATUS commands of the first process."""
    return tuple(outcome(world.first.procctl, f"PROC_{command}_STATUS") for command in commands)


@behaviour("K-3", freebsd=(0, 2))
def what_a_process_starts_with(world: World) -> object:
    """It can be traced, and may gain privileges."""
    return _told(world, "TRACE", "NO_NEW_PRIVS")


@behaviour("K-3", freebsd=("EINVAL", None, 1, "EINVAL", 1, 1))
def no_new_privileges_for_good(world: World) -> object:
    """Only 1 is accepted, it cannot be taken back, and children inherit it."""
    control = [outcome(world.first.procctl, "PROC_NO_NEW_PRIVS_CTL", value) for value in (3, 1)]
    after = _told(world, "NO_NEW_PRIVS")
    back = outcome(world.first.procctl, "PROC_NO_NEW_PRIVS_CTL", 2)
    child = world.first.fork("child")
    return (*control, *after, back, *_told(world, "NO_NEW_PRIVS"), child.procctl("PROC_NO_NEW_PRIVS_STATUS"))


@behaviour("K-3", freebsd=("EINVAL", None, 2**32 - 1, None, 0))
def tracing_off_and_on(world: World) -> object:
    """TRACE_CTL: 2 forbids debuggers, 1 allows them again."""
    first = world.first
    wrong = outcome(first.procctl, "PROC_TRACE_CTL", 9)
    off = outcome(first.procctl, "PROC_TRACE_CTL", 2)
    told = _told(world, "TRACE")
    on = outcome(first.procctl, "PROC_TRACE_CTL", 1)
    return wrong, off, *told, on, *_told(world, "TRACE")


@behaviour("K-3", freebsd=("EINVAL", None, 2))
def address_randomisation(world: World) -> object:
    """ASLR_CTL: 2 switches it off for the next exec."""
    calls = [outcome(world.first.procctl, "PROC_ASLR_CTL", value) for value in (4, 2)]
    return (*calls, world.first.procctl("PROC_ASLR_STATUS") & 0x7FFFFFFF)


@behaviour("K-3", freebsd=(2, None, 1, "EINVAL"))
def trapping_capability_errors(world: World) -> object:
    """TRAPCAP_CTL: 1 enables, 2 disables."""
    before = _told(world, "TRAPCAP")
    on = outcome(world.first.procctl, "PROC_TRAPCAP_CTL", 1)
    return *before, on, *_told(world, "TRAPCAP"), outcome(world.first.procctl, "PROC_TRAPCAP_CTL", 3)
