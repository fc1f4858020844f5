"""The decisions of an ending, without a process, a clock or a signal."""

from __future__ import annotations

import pytest

from pydfly.ending import policy
from pydfly.ending.policy import Policy, plan
from pydfly.structs import DescendantInfo


def process(pid: int, state: str = "sleeping", ppid: int = 1, start: float = 0.0) -> DescendantInfo:
    return DescendantInfo(pid, ppid, f"p{pid}", state, start)


def told(orders: list[policy.Orders]) -> list[tuple[str | int, list[int]]]:
    return [(order.signal, [target.pid for target in order.targets]) for order in orders]


def test_everyone_gets_term_and_cont_at_once() -> None:
    """One grace for all: a stopped process must see the signal, too."""
    ending = Policy(100.0, 5.0)
    members = [process(10), process(11, "stopped")]
    assert told(ending.orders(100.0, members)) == [("SIGTERM", [10, 11]), ("SIGCONT", [10, 11])]


def test_each_is_told_once() -> None:
    ending = Policy(0.0, 5.0)
    ending.orders(0.0, [process(10)])
    assert ending.orders(1.0, [process(10)]) == []


def test_who_is_born_meanwhile_is_told_at_once() -> None:
    ending = Policy(0.0, 5.0)
    ending.orders(0.0, [process(10)])
    assert told(ending.orders(1.0, [process(10), process(12)])) == [("SIGTERM", [12]), ("SIGCONT", [12])]


def test_a_reused_pid_is_another_process() -> None:
    ending = Policy(0.0, 5.0)
    ending.orders(0.0, [process(10, start=1.0)])
    assert told(ending.orders(1.0, [process(10, start=2.0)]))[0] == ("SIGTERM", [10])


def test_the_grace_is_not_prolonged_by_latecomers() -> None:
    ending = Policy(0.0, 5.0)
    ending.orders(0.0, [process(10)])
    ending.orders(4.9, [process(10), process(11)])
    assert told(ending.orders(5.0, [process(10), process(11), process(12)])) == [("SIGKILL", [10, 11, 12])]


def test_escalation_asks_whether_anyone_is_left() -> None:
    """Not whether the command is: that one is long dead here."""
    ending = Policy(0.0, 5.0)
    assert told(ending.orders(5.0, [process(99)])) == [("SIGKILL", [99])]


def test_zombies_get_no_signal() -> None:
    ending = Policy(0.0, 5.0)
    assert ending.orders(0.0, [process(10, "zombie")]) == []
    assert ending.orders(6.0, [process(10, "zombie")]) == []


def test_no_grace_kills_at_once() -> None:
    assert told(Policy(0.0, 0.0).orders(0.0, [process(10)])) == [("SIGKILL", [10])]


def test_hurry_ends_the_grace_and_never_prolongs_it() -> None:
    ending = Policy(0.0, 5.0)
    ending.hurry(2.0)
    assert told(ending.orders(2.0, [process(10)])) == [("SIGKILL", [10])]
    ending.hurry(9.0)
    assert ending.kill_at == 2.0


def test_another_first_signal() -> None:
    assert told(Policy(0.0, 5.0, 1).orders(0.0, [process(10)])) == [(1, [10]), ("SIGCONT", [10])]


def test_looks_during_the_grace_become_rarer_and_the_last_is_its_end() -> None:
    ending = Policy(0.0, 5.0)
    now, looks = 0.0, []
    while now < 5.0:
        now += ending.pause(now)
        looks.append(round(now, 6))
    assert looks[:3] == [0.01, 0.02, 0.04]
    assert looks[-1] == 5.0
    assert len(looks) < 12


def test_looks_after_the_kill_are_quick_while_there_are_news() -> None:
    ending = Policy(0.0, 0.0)
    ending.orders(0.0, [process(10)])
    assert ending.pause(0.0) == policy.FIRST_PAUSE + policy.DYING
    pauses = []
    for moment in range(1, 12):
        ending.orders(float(moment), [process(10)])
        pauses.append(ending.pause(float(moment)))
    assert pauses == sorted(pauses)
    assert pauses[-1] == policy.LONGEST_PAUSE
    ending.orders(20.0, [process(10), process(11)])
    assert ending.pause(20.0) == policy.FIRST_PAUSE


def test_a_crowd_is_given_time_to_die_before_it_is_listed_again() -> None:
    """Only once: those that appear later may be a chain of processes that each fork and exit."""
    for count, pause in ((50, policy.FIRST_PAUSE + 50 * policy.DYING), (5000, policy.LONGEST_PAUSE)):
        ending = Policy(0.0, 0.0)
        crowd = [process(pid) for pid in range(10, 10 + count)]
        ending.orders(0.0, crowd)
        assert ending.pause(0.0) == pytest.approx(pause)
        ending.orders(1.0, [process(pid) for pid in range(9000, 9000 + count)])
        assert ending.pause(1.0) == policy.FIRST_PAUSE


def test_no_verdict_while_one_may_still_die() -> None:
    ending = Policy(0.0, 0.0)
    ending.orders(0.0, [process(10)])
    assert ending.verdict(0.1, [process(10)]) is None
    assert ending.verdict(policy.PATIENCE - 0.1, [process(10)]) is None


def test_who_refuses_is_named_with_the_reason() -> None:
    ending = Policy(0.0, 0.0)
    member = process(10)
    ending.orders(0.0, [member])
    ending.refused(member, "SIGKILL: EPERM")
    assert ending.verdict(0.0, [member]) is None  # it was given no time yet
    verdict = ending.verdict(policy.REFUSAL_PATIENCE, [member])
    assert verdict is not None
    assert [tuple(survivor) for survivor in verdict] == [(10, "p10", "sleeping", "SIGKILL: EPERM")]


def test_who_refused_is_tried_again() -> None:
    ending = Policy(0.0, 0.0)
    member = process(10)
    ending.orders(0.0, [member])
    ending.refused(member, "SIGKILL: EPERM")
    assert told(ending.orders(0.1, [member])) == [("SIGKILL", [10])]
    assert ending.pause(0.1) > policy.FIRST_PAUSE  # but that is no news


def test_no_verdict_on_some_while_others_still_die() -> None:
    ending = Policy(0.0, 0.0)
    stubborn, other = process(10), process(11)
    ending.orders(0.0, [stubborn, other])
    ending.refused(stubborn, "SIGKILL: EPERM")
    for moment in (0.0, 1.0, 2.0):
        assert ending.verdict(moment, [stubborn, other]) is None
    assert ending.verdict(2.1, [stubborn]) is None
    assert ending.verdict(2.1 + policy.REFUSAL_PATIENCE, [stubborn]) is not None


def test_who_does_not_die_of_sigkill_is_named() -> None:
    ending = Policy(0.0, 0.0)
    member = process(10, "waiting")
    ending.orders(0.0, [member])
    assert ending.verdict(policy.PATIENCE, [member]) is None
    verdict = ending.verdict(policy.PATIENCE + policy.REFUSAL_PATIENCE, [member])
    assert verdict is not None
    assert "uninterruptibly" in verdict[0].why


def test_a_dead_process_that_is_not_let_go_is_named_in_the_end() -> None:
    """A zombie held by a debugger from outside: ECHILD would never come."""
    ending = Policy(0.0, 0.0)
    member = process(10, "zombie")
    assert ending.verdict(0.0, [member]) is None
    assert ending.verdict(policy.PATIENCE, [member]) is None
    verdict = ending.verdict(policy.PATIENCE + policy.REFUSAL_PATIENCE, [member])
    assert verdict is not None
    assert "debugger" in verdict[0].why


def test_the_dead_children_of_a_survivor_are_no_survivors() -> None:
    ending = Policy(0.0, 0.0)
    parent, dead = process(10), process(11, "zombie", ppid=10)
    ending.orders(0.0, [parent])
    ending.refused(parent, "SIGKILL: EPERM")
    ending.verdict(0.0, [parent, dead])
    verdict = ending.verdict(policy.REFUSAL_PATIENCE, [parent, dead])
    assert verdict is not None
    assert [survivor.pid for survivor in verdict] == [10]


def test_no_verdict_during_the_grace() -> None:
    ending = Policy(0.0, 5.0)
    member = process(10)
    ending.orders(0.0, [member])
    ending.refused(member, "SIGTERM: EPERM")
    assert ending.verdict(4.0, [member]) is None


def test_an_empty_listing_is_no_verdict() -> None:
    """Only ECHILD says that no process is left."""
    assert Policy(0.0, 0.0).verdict(100.0, []) is None


def test_plan_signals_none_and_names_all() -> None:
    members = [process(10), process(11, "zombie"), process(12)]
    assert [tuple(step) for step in plan(members, 5.0)] == [
        (0.0, "SIGTERM", 10, "p10"),
        (0.0, "SIGTERM", 12, "p12"),
        (0.0, "SIGCONT", 10, "p10"),
        (0.0, "SIGCONT", 12, "p12"),
        (5.0, "SIGKILL", 10, "p10"),
        (5.0, "SIGKILL", 12, "p12"),
    ]
    assert [step.signal for step in plan(members, 0.0)] == ["SIGKILL", "SIGKILL"]
