"""One ending played against processes that are made of two lists."""

from __future__ import annotations

from pydfly.ending.drive import CONFIRMATIONS, GATHER, Ending
from pydfly.ending.policy import Orders
from pydfly.structs import DescendantInfo


class World:
    """Members, some of which refuse signals; a killed one is gone."""

    def __init__(self, *members: DescendantInfo, immune: tuple[int, ...] = ()) -> None:
        self.there = list(members)
        self.immune = immune
        self.sent: list[tuple[str | int, int]] = []
        self.births: list[DescendantInfo] = []

    def members(self) -> list[DescendantInfo]:
        return list(self.there)

    def signal(self, orders: Orders) -> list[tuple[DescendantInfo, str]]:
        self.sent += [(orders.signal, target.pid) for target in orders.targets]
        if orders.signal == "SIGKILL":
            self.there = [member for member in self.there if member not in orders.targets or member.pid in self.immune]
        return [(target, f"{orders.signal}: EPERM") for target in orders.targets if target.pid in self.immune]

    def sweep(self, members: list[DescendantInfo]) -> list[DescendantInfo]:
        newborn, self.births = self.births, []
        return newborn


def process(pid: int, ppid: int = 1) -> DescendantInfo:
    return DescendantInfo(pid, ppid, f"p{pid}", "sleeping", 0.0)


def test_term_then_kill() -> None:
    world = World(process(10))
    ending = Ending(world, 0.0, 1.0)
    pause = ending.step(0.0)
    assert pause is not None and pause <= 1.0
    ending.step(1.0)
    assert world.sent == [("SIGTERM", 10), ("SIGCONT", 10), ("SIGKILL", 10)]


def test_every_listing_is_shown_newborns_too() -> None:
    shown: list[int] = []
    world = World(process(10))
    world.births = [process(11)]
    Ending(world, 0.0, 0.0, lambda members: shown.extend(member.pid for member in members)).step(0.0)
    assert shown == [10, 11]


def test_survivors_are_named() -> None:
    world = World(process(10), immune=(10,))
    ending = Ending(world, 0.0, 0.0)
    assert ending.step(0.0) is not None
    assert ending.step(10.0) is None
    assert [(survivor.pid, survivor.why) for survivor in ending.survivors] == [(10, "SIGKILL: EPERM")]


def test_no_member_is_signalled_before_the_answer() -> None:
    world = World(process(10), process(11))
    questions: list[list[int]] = []
    ending = Ending(world, 0.0, 1.0, ask=lambda members: questions.append([member.pid for member in members]))
    ending.step(0.0)
    ending.step(0.5)
    assert questions == [[10, 11]]
    assert world.sent == []
    ending.spare([11])
    ending.step(0.6)
    assert world.sent == [("SIGTERM", 10), ("SIGCONT", 10)]


def test_the_spared_live_with_everything_below_them() -> None:
    world = World(process(10), process(11), process(12, ppid=11))
    ending = Ending(world, 0.0, 0.0, ask=lambda members: None)
    ending.step(0.0)
    ending.spare([11])
    moment = 0.1
    while ending.step(moment) is not None:
        moment += 0.1
    assert world.sent == [("SIGKILL", 10)]
    assert [member.pid for member in ending.spared] == [11, 12]
    assert ending.survivors == []


def test_newcomers_are_asked_about_as_well() -> None:
    world = World(process(10))
    questions: list[list[int]] = []
    ending = Ending(world, 0.0, 0.0, ask=lambda members: questions.append([member.pid for member in members]))
    ending.step(0.0)
    ending.spare([10])
    world.there.append(process(20))
    ending.step(0.1)
    ending.spare([])
    ending.step(0.2)
    assert questions == [[10], [20]]
    assert world.sent == [("SIGKILL", 20)]


def test_that_only_the_spared_are_left_must_be_seen_several_times() -> None:
    world = World(process(10))
    ending = Ending(world, 0.0, 0.0, ask=lambda members: None)
    ending.step(0.0)
    ending.spare([10])
    steps = [ending.step(float(moment)) for moment in range(1, CONFIRMATIONS + 1)]
    assert steps[-1] is None
    assert None not in steps[:-1]


def test_without_an_owner_to_answer_none_is_spared() -> None:
    world = World(process(10))
    ending = Ending(world, 0.0, 0.0, ask=lambda members: None)
    ending.step(0.0)
    ending.spare_none()
    ending.step(0.1)
    assert world.sent == [("SIGKILL", 10)]


def test_hurry() -> None:
    world = World(process(10))
    ending = Ending(world, 0.0, 60.0)
    ending.step(0.0)
    ending.hurry(1.0)
    ending.step(1.0)
    assert world.sent[-1] == ("SIGKILL", 10)


def test_when_the_next_step_is_due() -> None:
    """DeadChildren bring it forward, but not each of many; an answer, or less patience, makes it due at once."""
    ending = Ending(World(process(10)), 5.0, 60.0)
    assert ending.due == 5.0
    pause = ending.step(5.0)
    assert pause is not None and ending.due == 5.0 + pause
    while ending.due < 9.0:
        ending.step(ending.due)
    before = ending.due
    ending.gather(before - 2 * GATHER)
    assert ending.due == before - GATHER
    ending.gather(before)
    assert ending.due == before - GATHER
    for change in (lambda: ending.hurry(30.0), lambda: ending.spare([])):
        ending.step(20.0)
        assert ending.due > 20.0
        change()
        assert ending.due <= 20.0
