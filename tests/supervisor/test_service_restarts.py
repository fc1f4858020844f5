"""The policy of a service on a virtual clock: exact times, and random histories that break none of its rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydfly.supervisor.services.restart_pace import SHORTEST, Rules
from pydfly.supervisor.services.restart_policy import (
    END,
    END_COMMAND,
    EVENTS,
    FAILED,
    LAUNCH,
    NOTHING,
    ORDERS,
    RUNNING,
    STARTING,
    STATES,
    STOPPED,
    STOPPING,
    TABLE,
    WAITING,
    Policy,
)

CRASHED, KILLED = 1 << 8, 9


def crash(policy: Policy, now: float, status: int = CRASHED) -> None:
    """Let a launched service be executed, end, and leave no process."""
    for event, value in (("executed", None), ("exited", status), ("empty", None)):
        assert policy.handle(event, now, value) in (NOTHING, END)


def restarts(rules: Rules, most: int = 20, run: float = 0.0) -> list[float]:
    """Return when a command that crashes after ``run`` seconds is restarted."""
    policy = Policy(rules)
    now = 0.0
    times: list[float] = []
    assert policy.handle("start", now) == LAUNCH
    while len(times) < most:
        policy.handle("executed", now)
        now += run
        for event, value in (("exited", CRASHED), ("empty", None)):
            policy.handle(event, now, value)
        if policy.due is None:
            assert policy.state == FAILED
            break
        now = policy.due
        assert policy.handle("time", now) == LAUNCH
        times.append(now)
    assert policy.restarts == len(times)
    return times


def test_the_table_names_methods_and_every_event_has_a_place() -> None:
    assert set(TABLE) == set(STATES)
    for row in TABLE.values():
        for action in row.values():
            assert callable(getattr(Policy, f"_{action}"))


@pytest.mark.parametrize("ends_with", ["command", "everybody"])
def test_backoff_times_are_exact_and_the_limit_ends_them(ends_with: str) -> None:
    assert restarts(Rules(ends_with=ends_with)) == [1, 3, 7, 15, 31]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(delay=0.5, backoff=1.0, limit=(3, 60)), [0.5, 1.0, 1.5]),
        (Rules(delay=10, backoff=3, max_delay=50, limit=None), [10, 40, 90, 140]),
        (Rules(delay=1, backoff=1, limit=(2, 2)), [1, 2]),
        (Rules(delay=1, backoff=1, limit=(2, 0.9)), [1, 2, 3, 4]),
        (Rules(limit=(0, 60)), []),
        (Rules(delay=0, limit=(3, 60)), [SHORTEST, 2 * SHORTEST, 3 * SHORTEST]),
        (Rules(restart="never"), None),
        (Rules(delay=1, backoff=1e300, max_delay=7, limit=None), [1, 8, 15, 22]),
    ],
)
def test_other_rules(rules: Rules, expected: list[float] | None) -> None:
    if expected is None:
        policy = Policy(rules)
        policy.handle("start", 0)
        crash(policy, 1)
        assert (policy.state, policy.due) == (STOPPED, None)
        return
    ends = rules.limit is not None and rules.limit[1] > 1
    assert restarts(rules, most=len(expected) + ends) == pytest.approx(expected)


def test_a_long_run_begins_with_the_first_delay_again() -> None:
    """120 s of being up after each start: the delay never grows."""
    times = restarts(Rules(delay=1, backoff=10, max_delay=100, limit=(5, 60)), most=4, run=120)
    assert times == [121, 242, 363, 484]


@pytest.mark.parametrize(
    ("restart", "status", "state"),
    [
        ("never", CRASHED, STOPPED),
        ("never", 0, STOPPED),
        ("on-failure", 0, STOPPED),
        ("on-failure", CRASHED, WAITING),
        ("on-failure", KILLED, WAITING),
        ("always", 0, WAITING),
        ("always", CRASHED, WAITING),
    ],
)
def test_what_is_restarted(restart: str, status: int, state: str) -> None:
    policy = Policy(Rules(restart=restart))
    policy.handle("start", 0)
    crash(policy, 1, status)
    assert policy.state == state
    assert policy.last_exit == status


def test_a_service_of_everything_runs_on_without_its_command() -> None:
    """A daemon that forks away has not ended."""
    policy = Policy(Rules(restart="always"))
    policy.handle("start", 0)
    policy.handle("executed", 0)
    policy.handle("exited", 1, 0)
    assert policy.state == RUNNING
    policy.handle("empty", 2)
    assert policy.state == WAITING


def test_a_service_of_its_command_is_restarted_when_the_rest_is_gone() -> None:
    """The delay counts from the end of the command, and waits for the last of those that it left."""
    policy = Policy(Rules(restart="always", ends_with="command", delay=2))
    policy.handle("start", 0)
    policy.handle("executed", 0)
    assert policy.handle("exited", 10, 0) == END
    assert (policy.state, policy.due) == (STOPPING, None)
    assert policy.handle("empty", 11) == NOTHING
    assert (policy.state, policy.due) == (WAITING, 12)
    policy.handle("time", 12)
    policy.handle("executed", 12)
    policy.handle("exited", 20, 0)
    policy.handle("empty", 25)
    assert (policy.state, policy.due) == (WAITING, 25)


def test_a_command_that_cannot_be_executed_is_not_tried_again() -> None:
    policy = Policy(Rules(restart="always"))
    policy.handle("start", 0)
    assert policy.handle("refused", 0, "no such file") == NOTHING
    assert (policy.state, policy.reason, policy.due) == (FAILED, "no such file", None)
    assert policy.handle("start", 5) == LAUNCH


def test_ready_in_time() -> None:
    policy = Policy(Rules(ready=True, ready_timeout=5))
    policy.handle("start", 0)
    policy.handle("executed", 1)
    assert (policy.state, policy.due) == (STARTING, 6)
    policy.handle("ready", 5)
    assert (policy.state, policy.due, policy.since) == (RUNNING, None, 5)


@pytest.mark.parametrize(("restart", "state"), [("never", FAILED), ("on-failure", WAITING), ("always", WAITING)])
def test_not_ready_in_time(restart: str, state: str) -> None:
    policy = Policy(Rules(restart=restart, ready=True, ready_timeout=5))
    policy.handle("start", 0)
    policy.handle("executed", 1)
    assert policy.handle("time", 6) == END
    assert policy.state == STOPPING
    policy.handle("exited", 7, 15)
    policy.handle("empty", 7)
    assert policy.state == state
    assert policy.reason == "5 s went by before it was ready"


def test_an_end_before_ready_is_a_failure_whatever_the_status() -> None:
    policy = Policy(Rules(ready=True, restart="on-failure"))
    policy.handle("start", 0)
    crash(policy, 1, 0)
    assert policy.state == WAITING
    assert policy.reason == "all of its processes have ended before it was ready"


def test_stop_and_start_by_hand() -> None:
    """A start during the stop is not lost, and waits for the end: there are never two copies."""
    policy = Policy(Rules(restart="always"))
    policy.handle("start", 0)
    policy.handle("executed", 0)
    assert policy.handle("start", 0.5) == NOTHING
    assert policy.handle("stop", 1) == END
    assert policy.handle("exited", 2, 15) == NOTHING
    assert policy.handle("start", 2) == END
    assert policy.manual is False
    assert policy.handle("empty", 3) == LAUNCH
    policy.handle("executed", 3)
    assert policy.handle("restart", 4) == END
    assert policy.handle("stop", 4) == END
    policy.handle("empty", 5)
    assert (policy.state, policy.manual, policy.reason) == (STOPPED, True, "stopped by hand")


def test_the_command_alone_is_stopped() -> None:
    """Those that it leaves stay, until the next start or a stop of all."""
    policy = Policy(Rules(ends_with="command", restart="always"))
    policy.handle("start", 0)
    policy.handle("executed", 0)
    assert policy.handle("stop command", 1) == END_COMMAND
    assert policy.handle("stop command", 1) == NOTHING
    policy.handle("exited", 2, 15)
    assert (policy.state, policy.occupied) == (STOPPED, True)
    assert policy.handle("start", 3) == END
    assert policy.handle("empty", 4) == LAUNCH
    policy.handle("executed", 4)
    policy.handle("stop command", 5)
    policy.handle("exited", 6, 15)
    assert policy.handle("stop", 7) == END
    assert policy.state == STOPPING
    policy.handle("empty", 8)
    assert (policy.state, policy.occupied) == (STOPPED, False)


def test_survivors_make_it_failed() -> None:
    """What could not be ended is never joined by a second copy."""
    policy = Policy(Rules(restart="always"))
    policy.handle("start", 0)
    policy.handle("executed", 0)
    policy.handle("restart", 1)
    assert policy.handle("survived", 2, "1234 does not die") == NOTHING
    assert (policy.state, policy.reason) == (FAILED, "1234 does not die")


@pytest.mark.parametrize(
    "wrong",
    [
        {"restart": "sometimes"},
        {"ends_with": "both"},
        {"delay": -1},
        {"delay": float("nan")},
        {"backoff": 0.5},
        {"max_delay": float("inf")},
        {"ready_timeout": -0.1},
        {"limit": (-1, 60)},
        {"limit": (1, float("nan"))},
    ],
)
def test_rules_without_a_meaning(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="is"):
        Policy(Rules(**wrong))  # type: ignore[arg-type]


RULES = st.builds(
    Rules,
    restart=st.sampled_from(["never", "on-failure", "always"]),
    delay=st.sampled_from([0, 0.5, 1, 3]),
    backoff=st.sampled_from([1, 2, 10]),
    max_delay=st.sampled_from([0, 1, 5, 60]),
    limit=st.sampled_from([None, (0, 10), (1, 10), (3, 5), (5, 60)]),
    ends_with=st.sampled_from(["command", "everybody"]),
    ready=st.booleans(),
    ready_timeout=st.sampled_from([0, 2, 30]),
)
PASSING = st.one_of(st.just(0.0), st.sampled_from([0.01, 0.5, 1.0, 2.0, 61.0]))
HAND = ("start", "stop", "stop command", "restart")
HISTORY = st.lists(
    st.tuples(st.sampled_from([*EVENTS, "time", "time", "exited", "empty", "executed"]), PASSING), max_size=80
)


class Machine:
    """A world that obeys the orders of the policy, and sees only events that can happen in it."""

    def __init__(self, rules: Rules) -> None:
        self.policy = Policy(rules)
        self.now = 0.0
        self.command = self.domain = self.executed = False
        self.launches: list[tuple[float, str]] = []
        self.stopped_by_hand = False

    def possible(self, event: str) -> bool:
        if event in HAND:
            return True
        if event == "time":
            return self.policy.due is not None
        if event == "executed" or event == "refused":
            return self.domain and not self.executed
        if event == "ready" or event == "exited":
            return self.command and self.executed
        if event == "empty":
            return self.domain and self.executed and not self.command
        return self.domain  # lost, survived

    def play(self, event: str, passing: float) -> None:
        policy = self.policy
        target = self.now + passing
        while policy.due is not None and policy.due <= target and event != "time":  # the clock comes first
            self.now = max(self.now, policy.due)
            self.tell("time")
        self.now = target
        if not self.possible(event):
            return
        if event == "time":
            self.now = max(self.now, policy.due or 0.0)
        self.tell(event)

    def tell(self, event: str) -> None:
        policy = self.policy
        if event == "executed":
            self.executed = True
        if event == "exited":
            self.command = False
        if event in ("refused", "empty", "lost", "survived"):
            self.command = self.domain = self.executed = False
        if event in HAND:
            self.stopped_by_hand = event.startswith("stop")
        order = policy.handle(event, self.now, 256 if event == "exited" else "why")
        assert order in ORDERS
        if order == LAUNCH:
            assert not self.domain, "two copies"
            assert not self.stopped_by_hand, "a stop by hand was undone"
            self.domain = self.command = True
            self.launches.append((self.now, event))
        elif order in (END, END_COMMAND):
            assert self.domain, "there is nothing to end"
        self.check()

    def check(self) -> None:
        policy = self.policy
        assert policy.occupied == self.domain
        assert policy.state in STATES
        if policy.state in (STARTING, RUNNING):
            assert self.domain
            assert not self.stopped_by_hand
        if policy.state == WAITING:
            assert not self.domain
            assert policy.due is not None
        if policy.due is not None:
            assert policy.state in (WAITING, STARTING)


@settings(max_examples=400, deadline=None)
@given(RULES, HISTORY)
def test_random_histories(rules: Rules, history: list[tuple[str, float]]) -> None:
    """Never two copies, never a stop undone, never a storm, never beyond the limit."""
    machine = Machine(rules)
    for event, passing in history:
        machine.play(event, passing)
    times = [now for now, event in machine.launches if event == "time"]
    everything = [now for now, _ in machine.launches]
    for (now, event), before in zip(machine.launches[1:], everything, strict=False):
        if event == "time":
            assert now - before >= min(SHORTEST, max(rules.delay, SHORTEST)) - 1e-9, "storm"
    if rules.restart == "never":
        assert times == []
    if rules.limit is not None:
        most, seconds = rules.limit
        counted: list[float] = []
        for now, event in machine.launches:
            counted = [*counted, now] if event == "time" else []  # a start by hand counts anew
            assert len([time for time in counted if now - time < seconds]) <= most
            if most == 0:
                assert counted == []


@settings(max_examples=100, deadline=None)
@given(RULES, st.lists(st.sampled_from(["crash", "lost", "end"]), min_size=1, max_size=200))
def test_no_storm_of_a_service_that_never_lives(rules: Rules, ends: list[str]) -> None:
    """Whatever ends it and however often: at most one start for each SHORTEST, and each as late as the rules say."""
    policy = Policy(rules)
    now = 0.0
    policy.handle("start", now)
    starts = [now]
    row = 0
    for end in ends:
        policy.handle("executed", now)
        if end == "lost":
            policy.handle("lost", now, "killed")
        else:
            policy.handle("exited", now, CRASHED if end == "crash" else 0)
            policy.handle("empty", now)
        if policy.state != WAITING:
            break
        assert policy.due is not None
        row = 0 if rules.max_delay == 0 and not rules.ready else row
        assert policy.due == max(now + min(rules.delay * rules.backoff**row, rules.max_delay), now + SHORTEST)
        now = policy.due
        row += 1
        assert policy.handle("time", now) == LAUNCH
        starts.append(now)
    assert now >= (len(starts) - 1) * SHORTEST - 1e-6
