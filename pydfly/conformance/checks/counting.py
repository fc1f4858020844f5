"""What PROC_REAP_STATUS and the friendly status tell."""

from __future__ import annotations

from typing import Any

from ..behaviour import behaviour
from ..world import Actor, World
from .reaping import orphan

_REAL_INIT = 2


def status(actor: Actor, *data: Any) -> Any:
    """Ask for PROC_REAP_STATUS, and put names in place of pids.

    Whether the reaper above all is init is left out: it is in a simulated world, and is not in a live one.
    """
    answer = actor.procctl("PROC_REAP_STATUS", *data)
    answer = answer._replace(flags=answer.flags & ~_REAL_INIT)
    pids = {"pid_head", "reaper", "pid"}
    fields = answer._asdict().items()
    return tuple(actor.world.who(value) if name in pids else value for name, value in fields)


@behaviour(
    "DP-4", "DP-5", "DP-6", "FR-4", "FR-5",
    dragonfly=((0, 0, "nobody"), (0, 0, "younger")),
    freebsd=((0, 1, 1, "outside", "first"), (0, 1, 3, "outside", "first")),
)  # fmt: skip
def status_of_no_reaper(world: World) -> object:
    """DragonFly: no flags, no count, the child forked last; FreeBSD tells of the reaper above."""
    before = status(world.first)
    world.first.fork("older")
    world.first.fork("younger")
    return before, status(world.first)


@behaviour(
    "RF-1", "FR-7", "FR-8",
    dragonfly=((1, 0, "nobody"), (1, 0, "before")), freebsd=((1, 0, 0, "first", "nobody"),) * 2,
)  # fmt: skip
def status_after_acquire(world: World) -> object:
    """No process counts yet; a child from before shows on DragonFly only as the head of the list."""
    world.first.acquire()
    empty = status(world.first)
    world.first.call("reaper.release")
    world.first.fork("before")
    world.first.acquire()
    return empty, status(world.first)


@behaviour(
    "RF-2", "FR-6", "FR-7",
    dragonfly=((1, 1, "child"), (1, 2, "child")),
    freebsd=((1, 1, 1, "first", "child"), (1, 1, 2, "first", "child")),
)  # fmt: skip
def children_and_grandchildren_count(world: World) -> object:
    """Every living member counts, however deep."""
    child = world.first.acquire().fork("child")
    one = status(world.first)
    child.fork("grandchild")
    return one, status(world.first)


@behaviour(
    "RF-2", "RF-9", "FR-6",
    dragonfly=((1, 0, "child"), (1, 0, "nobody")),
    freebsd=((1, 1, 1, "first", "child"), (1, 0, 0, "first", "nobody")),
)  # fmt: skip
def zombies(world: World) -> object:
    """A zombie is no longer counted by DragonFly, though it stays the head; FreeBSD counts it until the wait."""
    child = world.first.acquire().fork("child")
    child.exit()
    dead = status(world.first)
    world.first.wait(child)
    return dead, status(world.first)


@behaviour(
    "RF-3", "FR-6",
    dragonfly=((1, 1, "inner"), (1, 2, "deep")),
    freebsd=((1, 1, 1, "first", "inner"), (1, 1, 2, "inner", "deep")),
)  # fmt: skip
def an_inner_domain_counts_as_one(world: World) -> object:
    """The members of a reaper's own domain are not counted in the outer one."""
    inner = world.first.acquire().fork("inner").acquire()
    inner.fork("deep").fork("deeper")
    return status(world.first), status(inner)


@behaviour("RF-5", "RF-6", dragonfly=((1, 1), (1, 0)))
def the_domain_of_a_dead_reaper_counts_as_one(world: World) -> object:
    """While a dead reaper's domain has members it counts as one, however many they are."""
    inner = world.first.acquire().fork("inner").acquire()
    members = [inner.fork("member"), inner.fork("another")]
    inner.exit()
    inhabited = status(world.first)[:2]
    for member in members:
        member.exit()
    return inhabited, status(world.first)[:2]


@behaviour("RF-4", dragonfly=((1, 2), (1, 1)))
def a_member_that_released_counts_twice(world: World) -> object:
    """A former reaper counts as a process, and its dead domain as long as that has members."""
    inner = world.first.acquire().fork("inner").acquire()
    member = inner.fork("member")
    inner.call("reaper.release")
    both = status(world.first)[:2]
    member.exit()
    return both, status(world.first)[:2]


@behaviour("DP-7", "FR-8", dragonfly=("younger", "younger", "orphan"), freebsd=("younger", "younger", "orphan"))
def the_head_of_the_list(world: World) -> object:
    """The child that was attached last is the one that STATUS names: forked or adopted, dead or alive."""
    middle = world.first.acquire().fork("middle")
    left = middle.fork("orphan")
    younger = world.first.fork("younger")
    name = "pid_head" if world.flavour == "dragonfly" else "pid"

    def head() -> str:
        return world.who(getattr(world.first.procctl("PROC_REAP_STATUS"), name))

    alive = head()
    younger.exit()
    dead = head()
    middle.exit()
    assert left.parent == "first"
    return alive, dead, head()


@behaviour("LC-2", both="oldest")
def the_head_after_a_batch_was_adopted(world: World) -> object:
    """Of children that were adopted together, the oldest comes first."""
    middle = world.first.acquire().fork("middle")
    for name in ("oldest", "next", "youngest"):
        middle.fork(name)
    middle.exit()
    return world.who(world.first.call("reaper.status").first_pid)


@behaviour("DP-2", dragonfly=(0, 0, "child"))
def status_after_release(world: World) -> object:
    """The flags and the count are gone, the head of the list is not."""
    world.first.acquire().fork("child")
    world.first.call("reaper.release")
    return status(world.first)


@behaviour("RF-3", both=(1, 0, 1))
def members_do_not_come_back(world: World) -> object:
    """After RELEASE and another ACQUIRE the domain begins empty."""
    first = world.first.acquire()
    first.fork("early")
    counts = [first.call("reaper.status").descendants]
    first.call("reaper.release")
    first.acquire()
    counts.append(first.call("reaper.status").descendants)
    first.fork("late")
    return (*counts, first.call("reaper.status").descendants)


@behaviour(
    "DP-4", "FR-5",
    dragonfly=((True, False, "first", "child", None, 1)), freebsd=((True, False, "first", "child", 1, 1)),
)  # fmt: skip
def the_friendly_status(world: World) -> object:
    """One record on every system, with None where the system cannot tell."""
    world.first.acquire().fork("child")
    told = world.first.call("reaper.status")
    who = world.who
    return (told.owned, told.real_init, who(told.reaper_pid), who(told.first_pid), told.children, told.descendants)


@behaviour("RF-2", both=([("child", "first"), ("grandchild", "child")], [("zombie", "first")]))
def descendants_are_listed(world: World) -> object:
    """reaper.descendants(): members, parents before their children; zombies are in it, older children are not."""
    first = world.first
    first.fork("before")
    first.acquire()
    child = first.fork("child")
    child.fork("grandchild")
    listed = first.call("reaper.descendants")
    zombie = first.fork("zombie")
    zombie.exit()
    dead = [member for member in first.call("reaper.descendants") if member.state == "zombie"]
    return tuple([(world.who(each.pid), world.who(each.ppid)) for each in members] for members in (listed, dead))


@behaviour("RF-2", both=(1, 1, "first"))
def counting_goes_on_after_exec(world: World) -> object:
    """Exec does not change membership."""
    first = world.first
    first.fork("before")
    first.acquire()
    first.fork("member")
    before = first.call("reaper.status").descendants
    first.execute()
    return before, first.call("reaper.status").descendants, orphan(first).parent


@behaviour("RF-1", both=(False, True, False))
def acquire_for_a_block(world: World) -> object:
    """``with reaper.acquired()`` makes a reaper inside the block, and none after it."""
    return tuple(world.first.call(name) for name in ("reaper.owned", "reaper.acquired", "reaper.owned"))
