"""Which processes a process may signal: DragonFly confines signals to the domain."""

from __future__ import annotations

from ..behaviour import behaviour
from ..world import World, outcome


@behaviour("DS-4", dragonfly=("EPERM", "EPERM", "EPERM", "EPERM"), freebsd=(None, None, None, None))
def a_reaper_signals_outward(world: World) -> object:
    """On DragonFly a reaper can reach neither parent nor siblings nor children from before ACQUIRE."""
    reaper = world.first.fork("reaper")
    sibling = world.first.fork("sibling")
    older = reaper.fork("older")
    reaper.acquire()
    targets = ((world.first, "SIGUSR1"), (sibling, "SIGUSR1"), (older, "SIGUSR1"), (world.first, "0"))
    return tuple(outcome(reaper.kill, target, signal) for target, signal in targets)


@behaviour("DS-2", "DS-3", both=(None, None, None, ["SIGUSR1"]))
def a_reaper_signals_inward(world: World) -> object:
    """Members, members of inner domains and the reaper itself are within reach."""
    inner = world.first.acquire().fork("inner").acquire()
    deep = inner.fork("deep")
    sent = [outcome(world.first.kill, target, "SIGUSR1") for target in (inner, deep, world.first)]
    return (*sent, deep.pending)


@behaviour("DS-2", both=(None, ["SIGUSR1"]))
def a_member_signals_its_reaper(world: World) -> object:
    """A direct kill() of the owner of one's domain is allowed."""
    member = world.first.acquire().fork("member")
    return outcome(member.kill, world.first, "SIGUSR1"), world.first.pending


@behaviour("DS-4", dragonfly=("EPERM", None), freebsd=(None, None))
def a_former_member_signals(world: World) -> object:
    """After RELEASE the members stay confined to the dead domain; the former owner reaches them."""
    former = world.first.fork("former reaper").acquire()
    member = former.fork("member")
    former.call("reaper.release")
    return outcome(member.kill, former, "SIGUSR1"), outcome(former.kill, member, "SIGUSR1")


@behaviour("DS-4", both=(None, ["SIGCONT"]))
def sigcont_passes(world: World) -> object:
    """SIGCONT reaches every process of the session."""
    member = world.first.fork("member").acquire()
    return outcome(member.kill, world.first, "SIGCONT"), world.first.pending
