"""PROC_REAP_GETPIDS: the members of a FreeBSD domain."""

from __future__ import annotations

from typing import Any

from ...structs import BAD_POINTER, NULL
from ..behaviour import behaviour
from ..world import Actor, World, outcome

VALID, CHILD, REAPER = 1, 2, 4


def members(actor: Actor, *data: Any) -> list[tuple[str, str, int]]:
    """Return name, subtree and flags of each member that the actor gets to see."""
    who = actor.world.who
    return [(who(entry.pid), who(entry.subtree), entry.flags) for entry in actor.procctl("PROC_REAP_GETPIDS", *data)]


@behaviour("FP-4", "FP-6", freebsd=[("grandchild", "child", VALID), ("child", "child", VALID | CHILD)])
def members_newest_first(world: World) -> object:
    """Each member with the direct child that it comes from; the newest first, children from before not."""
    world.first.fork("before")
    world.first.acquire().fork("child").fork("grandchild")
    return members(world.first)


@behaviour("FP-4", freebsd=[("zombie", "zombie", VALID | CHILD)])
def zombies_are_members(world: World) -> object:
    """A zombie is listed until it is waited for."""
    world.first.acquire().fork("zombie").exit()
    return members(world.first)


@behaviour("FP-6", freebsd=VALID | CHILD | REAPER)
def a_member_that_is_a_reaper(world: World) -> object:
    """The flags of a member tell that it is a reaper."""
    world.first.acquire().fork("inner").acquire()
    return members(world.first)[0][2]


@behaviour("FP-10", freebsd=([("inner", "inner")], [("deep", "deep")]))
def members_of_sub_reapers_are_not_listed(world: World) -> object:
    """An inner domain has a list of its own."""
    inner = world.first.acquire().fork("inner").acquire()
    inner.fork("deep")
    return tuple([each[:2] for each in members(actor)] for actor in (world.first, inner))


@behaviour("FP-7", freebsd=[("orphan", "middle", VALID | CHILD)])
def a_subtree_outlives_its_root(world: World) -> object:
    """An adopted orphan still belongs to the line of the child that it came from."""
    middle = world.first.acquire().fork("middle")
    middle.fork("orphan")
    middle.exit()
    world.first.wait(middle)
    return members(world.first)


@behaviour("FP-1", freebsd=[("other", "other"), ("member", "member")])
def a_member_asks(world: World) -> object:
    """A process that is no reaper gets the list of its reaper's domain."""
    member = world.first.acquire().fork("member")
    world.first.fork("other")
    return outcome(lambda: [each[:2] for each in members(member)])


@behaviour("FP-2", "FP-8", freebsd=(["third", "second"], [], "EFAULT", "EFAULT"))
def at_most_so_many(world: World) -> object:
    """The count limits the list; 0 is no error; without memory for the structure EFAULT."""
    world.first.acquire()
    for name in ("first child", "second", "third"):
        world.first.fork(name)
    some = [each[0] for each in members(world.first, 2)]
    pointers = [outcome(world.first.procctl, "PROC_REAP_GETPIDS", pointer) for pointer in (NULL, BAD_POINTER)]
    return some, members(world.first, 0), *pointers


@behaviour("FR-4", "FR-5", freebsd=((0, 2, 2, "first", "second"), (1, 0, 0, "second", "nobody")))
def status_of_a_member(world: World) -> object:
    """Asked about a member, STATUS tells of its reaper, or of its own domain."""
    child = world.first.acquire().fork("child")
    second = world.first.fork("second").acquire()
    told = []
    for target in (child, second):
        status = world.first.call("procctl", 0, target.pid, int(world.numbers.PROC_REAP_STATUS))
        told.append((*status[:3], world.who(status.reaper), world.who(status.pid)))
    return tuple(told)
