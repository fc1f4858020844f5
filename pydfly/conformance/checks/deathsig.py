"""The signal that a process gets when its parent dies."""

from __future__ import annotations

from ..behaviour import behaviour
from ..world import Actor, World, outcome


def armed(parent: Actor, signal: str = "SIGUSR1", name: str = "child") -> Actor:
    """Fork a child that sets its parent-death signal."""
    child = parent.fork(name)
    child.call("pdeathsig.set", child.world.signal(signal))
    return child


@behaviour("DP-8", "DP-9", "FD-6", both=("0", "SIGTERM", "0"))
def set_get_clear(world: World) -> object:
    """It is 0 at first, what was set after that, and 0 when cleared."""
    first = world.first

    def told() -> str:
        signal = first.call("pdeathsig.get")
        return world.machine.signal_name(signal) if signal else "0"

    at_first = told()
    first.call("pdeathsig.set", world.signal("SIGTERM"))
    after = told()
    first.call("pdeathsig.clear")
    return at_first, after, told()


@behaviour("LX-9", both=(True, 0))
def fork_clears_it(world: World) -> object:
    """A child starts with none, and its parent keeps what it had."""
    parent = armed(world.first)
    child = parent.fork("grandchild")
    return parent.call("pdeathsig.get") == world.signal("SIGUSR1"), child.call("pdeathsig.get")


@behaviour("LX-9", both=(True, ["SIGUSR1"]))
def exec_keeps_it(world: World) -> object:
    """A plain exec keeps the setting, and it is delivered afterwards."""
    middle = world.first.fork("middle")
    child = armed(middle)
    child.execute()
    kept = child.call("pdeathsig.get") == world.signal("SIGUSR1")
    middle.exit()
    return kept, child.pending


@behaviour("LC-10", both=([], ["SIGUSR1"], []))
def it_comes_when_the_parent_dies(world: World) -> object:
    """The child that asked gets the signal, its sibling that did not gets nothing."""
    middle = world.first.fork("middle")
    child = armed(middle)
    sibling = middle.fork("sibling")
    before = child.pending
    middle.exit()
    return before, child.pending, sibling.pending


@behaviour("LC-8", both=["SIGUSR1"])
def it_comes_when_the_parent_is_killed(world: World) -> object:
    """A parent that dies of SIGKILL counts too."""
    middle = world.first.fork("middle")
    child = armed(middle)
    world.first.kill(middle, "SIGKILL")
    return child.pending


@behaviour(
    "LC-7", "LC-1",
    dragonfly=("first", ["SIGUSR1"], "outside", ["SIGTERM", "SIGUSR1"], "outside"),
    freebsd=("first", ["SIGUSR1"], "first", ["SIGTERM", "SIGUSR1"], "outside"),
)  # fmt: skip
def it_comes_again_when_the_adopter_dies(world: World) -> object:
    """It is not cleared by its delivery: the death of the reaper that adopted the process counts as well."""
    middle = world.first.acquire().fork("middle")
    child = armed(middle)
    middle.exit()
    once = child.parent, child.pending
    child.call("pdeathsig.set", world.signal("SIGTERM"))
    world.first.exit()
    again = child.parent, child.pending
    world.outside.wait(world.first)
    return (*once, *again, child.parent)


@behaviour("LC-9", both=("outside", []))
def it_does_not_come_late(world: World) -> object:
    """A signal that is set after the parent died is not sent for that death."""
    middle = world.first.fork("middle")
    child = middle.fork("child")
    middle.exit()
    child.call("pdeathsig.set", world.signal("SIGUSR1"))
    return child.parent, child.pending


@behaviour("LC-8", both=("outside", ("child", "SIGKILL")))
def sigkill_ends_the_child(world: World) -> object:
    """With SIGKILL the child dies right after its parent, and the adopter sees how."""
    middle = world.first.fork("middle")
    child = armed(middle, "SIGKILL")
    middle.exit()
    return child.parent, outcome(world.outside.wait, child)


@behaviour("LC-8", both=[("child", "SIGKILL"), ("grandchild", "SIGKILL")])
def it_runs_down_a_line(world: World) -> object:
    """Each death brings the next one, to the end of the line."""
    middle = world.first.acquire().fork("middle")
    child = armed(middle, "SIGKILL")
    grandchild = armed(child, "SIGKILL", "grandchild")
    middle.exit()
    return [world.first.wait(child), world.first.wait(grandchild)]


@behaviour("DP-9", "FD-4", dragonfly=(None, None, None, None, True), freebsd=("EINVAL",) * 4 + (True,))
def a_number_that_is_no_signal(world: World) -> object:
    """DragonFly ignores it without an error, FreeBSD refuses it; the setting stays."""
    first = world.first
    first.call("pdeathsig.set", world.signal("SIGUSR1"))
    refused = [outcome(first.call, "pdeathsig.set", number) for number in (-1, 129, 1000, -(2**31))]
    return (*refused, first.call("pdeathsig.get") == world.signal("SIGUSR1"))


@behaviour("DP-10", dragonfly=("EINVAL", 0), freebsd=(None, 128))
def the_number_128(world: World) -> object:
    """It would bring a DragonFly kernel down, and is refused for that flavour."""
    return outcome(world.first.call, "pdeathsig.set", 128), world.first.call("pdeathsig.get")


@behaviour("DP-9", "FD-4", both=(None, 100, None, 64))
def numbers_that_few_systems_have(world: World) -> object:
    """65 to 127 are signals on the BSDs."""
    first = world.first
    high = outcome(first.call, "pdeathsig.set", 100), first.call("pdeathsig.get")
    return (*high, outcome(first.call, "pdeathsig.set", 64), first.call("pdeathsig.get"))


@behaviour("LC-9", both=(None, True, "ESRCH", 0))
def the_expected_parent(world: World) -> object:
    """set(expected_parent=...) refuses, and sets nothing, when the parent is another one by then."""
    middle = world.first.fork("middle")
    child = middle.fork("child")
    number = world.signal("SIGUSR1")
    right = outcome(child.call, "pdeathsig.set", number, expected_parent=middle.pid)
    told = child.call("pdeathsig.get") == number
    child.call("pdeathsig.clear")
    middle.exit()
    late = outcome(child.call, "pdeathsig.set", number, expected_parent=middle.pid)
    return right, told, late, child.call("pdeathsig.get")


@behaviour("LX-9", both=True)
def setuid_keeps_it(world: World) -> object:
    """Changing user ids by setuid() does not touch it."""
    world.need_root()
    child = armed(world.first)
    child.setuid(1001)
    return child.call("pdeathsig.get") == world.signal("SIGUSR1")


@behaviour("LC-8", both=["SIGUSR1"])
def it_crosses_user_ids(world: World) -> object:
    """No permission is asked: the parent may be another user by then."""
    world.need_root()
    middle = world.first.fork("middle")
    child = armed(middle)
    middle.setuid(1001)
    middle.exit()
    return child.pending
