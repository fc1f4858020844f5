"""Which process adopts an orphan."""

from __future__ import annotations

from ..behaviour import behaviour
from ..world import Actor, World, outcome


def orphan(parent: Actor) -> Actor:
    """Make an orphan of a grandchild: its parent exits."""
    middle = parent.fork("parent of orphan")
    left = middle.fork("orphan")
    middle.exit()
    return left


@behaviour(
    "DP-1", "DP-2", "FR-2",
    dragonfly=(None, "EALREADY", None, "ENOTCONN"),
    freebsd=(None, "EBUSY", None, "EINVAL"),
)  # fmt: skip
def acquire_and_release_twice(world: World) -> object:
    """A second ACQUIRE and a second RELEASE are refused, with the errno of the flavour."""
    calls = ("reaper.acquire", "reaper.acquire", "reaper.release", "reaper.release")
    return tuple(outcome(world.first.call, name) for name in calls)


@behaviour("DP-1", "FR-2", both=("AlreadyReaperError", "NotReaperError", False))
def refusals_have_portable_names(world: World) -> object:
    """AlreadyReaperError and NotReaperError, whatever the errno; never BlockingIOError."""
    world.first.acquire()
    names = []
    blocking = False
    for name in ("reaper.acquire", "reaper.release", "reaper.release"):
        try:
            world.first.call(name)
        except OSError as error:
            names.append(type(error).__name__)
            blocking |= isinstance(error, BlockingIOError)
    return (*names, blocking)


@behaviour("DP-1", both=(True, False))
def ownership_is_not_inherited(world: World) -> object:
    """A child of a reaper is a member of the domain, no reaper."""
    child = world.first.acquire().fork("child")
    return world.first.call("reaper.owned"), child.call("reaper.owned")


@behaviour("LX-1", both=(True, "first"))
def ownership_survives_exec(world: World) -> object:
    """Exec keeps the domain and its owner."""
    first = world.first.acquire()
    first.execute()
    return first.call("reaper.owned"), orphan(first).parent


@behaviour("LX-2", both="outside")
def without_a_reaper_orphans_go_up(world: World) -> object:
    """Where no process has acquired, the reaper above all (init on a real system) adopts."""
    return orphan(world.first).parent


@behaviour("LX-2", both="first")
def orphans_come_to_the_reaper(world: World) -> object:
    """A reaper becomes the parent of an orphan among its descendants."""
    world.first.acquire()
    return orphan(world.first).parent


@behaviour("LX-2", both=("inner", "inner", "first"))
def the_nearest_reaper_adopts(world: World) -> object:
    """With nested domains the inner reaper adopts, and the outer one what is outside the inner domain."""
    inner = world.first.acquire().fork("inner").acquire()
    deep = orphan(inner)
    deeper = orphan(deep)
    return deep.parent, deeper.parent, orphan(world.first).parent


@behaviour("LX-3", both=("outside", "first"))
def children_from_before_stay_outside(world: World) -> object:
    """What was forked before ACQUIRE belongs to the outer domain, and so do its orphans."""
    older = world.first.fork("older")
    below = older.fork("below the older")
    world.first.acquire()
    younger = orphan(world.first)
    older.exit()
    return below.parent, younger.parent


@behaviour("DP-2", both=("first", "outside"))
def after_release_orphans_go_up(world: World) -> object:
    """RELEASE leaves adopted children with the process; later orphans go to the reaper above."""
    world.first.acquire()
    early = orphan(world.first)
    member = world.first.fork("member")
    late = member.fork("late")
    world.first.call("reaper.release")
    member.exit()
    return early.parent, late.parent


@behaviour("LC-1", dragonfly=("first", "first"), freebsd=("inner", "first"))
def the_death_of_a_reaper(world: World) -> object:
    """DragonFly: its domain passes to the next reaper when it dies; FreeBSD: when it is waited for."""
    inner = world.first.acquire().fork("inner").acquire()
    member = inner.fork("member")
    inner.exit()
    at_death = member.parent
    world.first.wait(inner)
    return at_death, member.parent


@behaviour("LC-1", dragonfly="first", freebsd="inner")
def an_orphan_of_a_dead_reapers_domain(world: World) -> object:
    """DragonFly: the next living reaper adopts it; FreeBSD: the dead one, as long as it has not been waited for."""
    inner = world.first.acquire().fork("inner").acquire()
    middle = inner.fork("middle")
    deep = middle.fork("deep")
    inner.exit()
    middle.exit()
    return deep.parent


@behaviour("LX-2", both=("first", ("orphan", "exit 7"), "ECHILD"))
def adopted_orphans_can_be_waited_for(world: World) -> object:
    """The reaper gets the status of an adopted orphan, once."""
    world.first.acquire()
    left = orphan(world.first)
    parent = left.parent
    left.exit(7)
    return parent, world.first.wait(left), outcome(world.first.wait, left)


@behaviour("LX-2", both=("first", ("zombie", "exit 3")))
def zombies_are_adopted_too(world: World) -> object:
    """A zombie whose parent dies comes to the reaper, with its status."""
    middle = world.first.acquire().fork("middle")
    zombie = middle.fork("zombie")
    zombie.exit(3)
    middle.exit()
    return zombie.parent, world.first.wait(zombie)


@behaviour("LC-6", both=("first", ("member", "exit 5")))
def a_reaper_that_ignores_sigchld_keeps_zombies(world: World) -> object:
    """Members of its own domain are not reaped by the kernel, although it ignores SIGCHLD."""
    world.first.acquire()
    world.first.ignore_sigchld()
    member = world.first.fork("member")
    member.exit(5)
    return member.parent, outcome(world.first.wait, member)


@behaviour("LC-6", both=("ECHILD", "first", ("child", "exit 5")))
def a_parent_that_ignores_sigchld_passes_zombies_on(world: World) -> object:
    """The zombie of a parent that ignores SIGCHLD goes to the reaper, and the parent's wait ends in ECHILD."""
    middle = world.first.acquire().fork("middle")
    middle.ignore_sigchld()
    child = middle.fork("child")
    child.exit(5)
    return outcome(middle.wait, child), child.parent, outcome(world.first.wait, child)


@behaviour("LX-7", both=("middle", ("child", "exit 5")))
def exec_resets_an_ignored_sigchld(world: World) -> object:
    """An ignored SIGCHLD becomes the default again at exec, so zombies stay with their parent."""
    middle = world.first.fork("middle")
    middle.ignore_sigchld()
    middle.execute()
    child = middle.fork("child")
    child.exit(5)
    return child.parent, outcome(middle.wait, child)


@behaviour("LC-2", "LC-3", both=[("first born", "exit 0"), ("second born", "exit 0"), ("third born", "exit 0")])
def waiting_after_a_batch_was_adopted(world: World) -> object:
    """Children that are adopted together are waited for oldest first."""
    middle = world.first.acquire().fork("middle")
    batch = [middle.fork(f"{nth} born") for nth in ("first", "second", "third")]
    for child in batch:
        child.exit()
    middle.exit()
    world.first.wait(middle)
    return [world.first.wait() for _ in batch]


@behaviour("LC-3", both=[("younger", "exit 0"), ("older", "exit 0")])
def waiting_for_any_child(world: World) -> object:
    """Of several dead children the one that was attached last is waited for first."""
    older, younger = world.first.fork("older"), world.first.fork("younger")
    older.exit()
    younger.exit()
    return [world.first.wait(), world.first.wait()]
