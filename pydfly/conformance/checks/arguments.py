"""What procctl refuses, and in which order it looks."""

from __future__ import annotations

from typing import Any

from ...structs import BAD_POINTER, NULL
from ..behaviour import behaviour
from ..world import World, outcome

_OTHER = 7  # P_ALL: an idtype that no command takes


def _outcomes(world: World, *calls: tuple[Any, ...]) -> tuple[Any, ...]:
    """Call procctl on the first process with each (idtype, id, command, data...)."""
    commands = world.numbers.Command
    return tuple(
        outcome(world.first.call, "procctl", idtype, id, int(getattr(commands, str(command), command)), *data)
        for idtype, id, command, *data in calls
    )


@behaviour("DP-1", "FG-4", dragonfly=("EINVAL",) * 4, freebsd=("EINVAL", "EINVAL", "EFAULT", "EINVAL"))
def a_wrong_idtype(world: World) -> object:
    """EINVAL; FreeBSD reads the data of a command that takes some before it looks at the idtype."""
    return _outcomes(
        world,
        (_OTHER, 0, "PROC_REAP_ACQUIRE"),
        (_OTHER, 0, "PROC_REAP_STATUS", BAD_POINTER),
        (_OTHER, 0, "PROC_PDEATHSIG_CTL", BAD_POINTER),
        (_OTHER, 0, "PROC_PDEATHSIG_STATUS", BAD_POINTER),
    )


@behaviour("DP-1", "FR-1", "FD-3", dragonfly=("EINVAL",) * 4, freebsd=("EPERM", "EPERM", "EINVAL", "EINVAL"))
def another_process(world: World) -> object:
    """A process cannot acquire, release or set a parent-death signal for its child."""
    child = world.first.fork("child").pid
    return _outcomes(
        world,
        (0, child, "PROC_REAP_ACQUIRE"),
        (0, child, "PROC_REAP_RELEASE"),
        (0, child, "PROC_PDEATHSIG_CTL", 0),
        (0, child, "PROC_PDEATHSIG_STATUS"),
    )


@behaviour("DP-1", "FD-3", dragonfly=("EINVAL",) * 5, freebsd=("ESRCH", "ESRCH", "ESRCH", "EINVAL", "EINVAL"))
def no_process(world: World) -> object:
    """The id of no process: EINVAL on DragonFly, ESRCH on FreeBSD, where the parent-death signal has EINVAL."""
    nobody = 99_999
    return _outcomes(
        world,
        (0, nobody, "PROC_REAP_ACQUIRE"),
        (0, nobody, "PROC_REAP_STATUS"),
        (0, -5, "PROC_REAP_STATUS"),
        (0, nobody, "PROC_PDEATHSIG_CTL", 0),
        (0, nobody, "PROC_PDEATHSIG_STATUS"),
    )


@behaviour("DP-1", both=(0, 0))
def the_process_itself(world: World) -> object:
    """The id 0 and the own pid mean the same."""
    return _outcomes(
        world, (0, 0, "PROC_PDEATHSIG_STATUS"), (0, world.first.pid, "PROC_PDEATHSIG_STATUS")
    )  # fmt: skip


@behaviour("K-2", both=("EINVAL",) * 5)
def an_unknown_command(world: World) -> object:
    """EINVAL, also with a wrong id or a bad pointer."""
    return _outcomes(world, (0, 0, 0), (0, 0, -1), (0, 0, 99), (0, 99_999, 99), (0, 0, 99, BAD_POINTER))


@behaviour("DP-1", "DP-2", "FR-3", dragonfly=(None, None, None, None), freebsd=("EINVAL", "EINVAL", "EINVAL", None))
def data_of_acquire_and_release(world: World) -> object:
    """DragonFly ignores it; FreeBSD wants NULL, whatever the state."""
    return _outcomes(
        world,
        (0, 0, "PROC_REAP_ACQUIRE", BAD_POINTER),
        (0, 0, "PROC_REAP_RELEASE", BAD_POINTER),
        (0, 0, "PROC_REAP_ACQUIRE", 5),
        (0, 0, "PROC_REAP_RELEASE" if world.flavour == "dragonfly" else "PROC_REAP_ACQUIRE", NULL),
    )


@behaviour(
    "DP-3", "DP-8", "DP-9", "FD-1", "FD-5",
    dragonfly=(None, "EFAULT", "EINVAL", "EFAULT", "EINVAL", "EFAULT"),
    freebsd=("EFAULT", "EFAULT", "EFAULT", "EFAULT", "EFAULT", "EFAULT"),
)  # fmt: skip
def null_and_bad_pointers(world: World) -> object:
    """STATUS, PDEATHSIG_STATUS and PDEATHSIG_CTL, with NULL and with an address where nothing is."""
    commands = ("PROC_REAP_STATUS", "PROC_PDEATHSIG_STATUS", "PROC_PDEATHSIG_CTL")
    return _outcomes(world, *((0, 0, command, data) for command in commands for data in (NULL, BAD_POINTER)))


@behaviour("FR-3", both=("TypeError", "TypeError", "TypeError", *["OverflowError"] * 6, "TypeError", "TypeError"))
def what_c_could_not_take(world: World) -> object:
    """No call is made with a float, or with a number that its C type cannot hold."""
    ctl = int(world.numbers.PROC_PDEATHSIG_CTL)
    calls: tuple[tuple[Any, ...], ...] = (
        (1.0, 0, ctl, 0),
        (0, "0", ctl, 0),
        (0, 0, None, 0),
        (-1, 0, ctl, 0),
        (2**32, 0, ctl, 0),
        (0, 2**63, ctl, 0),
        (0, -(2**63) - 1, ctl, 0),
        (0, 0, 2**31, 0),
        (0, 0, ctl, 2**31),
        (0, 0, ctl, 1.5),
        (0, 0, ctl),
    )
    return tuple(outcome(world.first.call, "procctl", *arguments) for arguments in calls)


@behaviour(
    "DP-1", "FR-1",
    dragonfly=("EINVAL", "EINVAL", "EINVAL"), freebsd=("EINVAL", "ESRCH", "EPERM"),
)  # fmt: skip
def the_first_fault_wins(world: World) -> object:
    """ACQUIRE by a reaper that is wrong in other ways too: idtype, then id, come before the state."""
    child = world.first.acquire().fork("child").pid
    return _outcomes(
        world, (_OTHER, 99_999, "PROC_REAP_ACQUIRE"), (0, 99_999, "PROC_REAP_ACQUIRE"), (0, child, "PROC_REAP_ACQUIRE")
    )
