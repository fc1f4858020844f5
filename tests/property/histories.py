"""Random histories, lived by real processes and by the simulated kernel in step.

After every operation both worlds are compared: which processes are alive, zombies or gone, each one's parent, pending
signals and parent-death signal; and every answer, refusal and wait status.  The simulated kernel has the rules of
``linux_rules``; three more differences are not about the kernels but about what can be told:

* RF-3, RF-5, LX-3: ``refs`` of a reaper that had descendants at ACQUIRE, or has had nested domains, is not compared.
* LX-5: ``pid_head`` is the youngest child.
* Several deaths at once happen in the scheduler's order, so afterwards any zombie may be the first that is waited for.

A history that shows a difference is kept as a scenario.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from pydfly.backends.protocol import Backend
from pydfly.conformance import suite
from pydfly.conformance.live import Live
from pydfly.conformance.modelled import Modelled
from pydfly.conformance.trace import Trace
from pydfly.conformance.world import Actor, World, outcome
from tests.processes import eventually
from tests.property import linux_rules

MOST_PROCESSES = 10
WHO = st.integers(0, MOST_PROCESSES - 1)
SIGNALS = st.sampled_from(["SIGUSR1", "0", "SIGKILL", "SIGTERM", "SIGHUP", "SIGWINCH"])
DEATHSIGS = st.sampled_from(["SIGUSR1", "0", "SIGKILL", "SIGTERM", 129, -1, 128, 100])
UNDELIVERABLE = range(65, 128)
GONE = ("dead", "nobody")
"""What can be seen of a process that was collected."""


class Pair:
    """The same process in both worlds."""

    def __init__(self, real: Actor, modelled: Actor) -> None:
        self.real, self.modelled = real, modelled
        self.counts = True  # refs can be compared

    @property
    def alive(self) -> bool:
        return self.real.alive

    def both(self, method: str, *arguments: Any) -> tuple[Any, Any]:
        """Do the same in both worlds, and return what came of it."""
        return tuple(
            outcome(getattr(actor, method), *[a if not isinstance(a, Pair) else a.of(actor) for a in arguments])
            for actor in (self.real, self.modelled)
        )  # type: ignore[return-value]

    def of(self, other: Actor) -> Actor:
        """Return this process in the world of another one."""
        return self.real if self.real.world is other.world else self.modelled


class Histories(RuleBasedStateMachine):
    """One history at a time."""

    make: ClassVar[Callable[[], Backend]] = staticmethod(suite.maker("linux"))
    live: ClassVar[Live | None] = None
    played: ClassVar[int] = 0
    failed: ClassVar[dict[str, Any] | None] = None

    def __init__(self) -> None:
        super().__init__()
        kind = type(self)
        if kind.live is None:
            made = suite.machine(kind.make)
            assert isinstance(made, Live)
            kind.live = made
        kind.played += 1
        self.trace = Trace(f"history-{kind.played}")
        self.real = World(kind.live, self.trace)
        simulated = linux_rules.backend
        self.model = Modelled(simulated, simulated())
        self.modelled = World(self.model)
        self.pairs = [Pair(self.real.first, self.modelled.first)]
        self.outside = Pair(self.real.outside, self.modelled.outside)
        self.several_died = self.executed = False

    def teardown(self) -> None:
        """Remove what this history wrote."""
        self.model.close()

    @classmethod
    def end(cls) -> None:
        """End the processes of every history."""
        if cls.live is not None:
            cls.live.close()
            cls.live = None

    def living(self, which: int) -> Pair | None:
        living = [pair for pair in self.pairs if pair.alive]
        return living[which % len(living)] if living else None

    @initialize(acquired=st.booleans(), family=st.lists(WHO, max_size=4))
    def begin(self, acquired: bool, family: list[int]) -> None:
        """Start with a few processes, perhaps below a reaper."""
        if acquired:
            self.acquire(0)
        for who in family:
            self.fork(who)

    @rule(who=WHO)
    def fork(self, who: int) -> None:
        parent = self.living(who)
        if parent is None or len(self.pairs) >= MOST_PROCESSES:
            return
        children = parent.both("fork", f"process {len(self.pairs) + 1}")
        self.pairs.append(Pair(*children))
        self.compare()

    @rule(who=WHO, status=st.sampled_from([0, 1, 77, 255]))
    def exit(self, who: int, status: int) -> None:
        actor = self.living(who)
        if actor is not None and sum(pair.alive for pair in self.pairs) > 1:  # not the last one: that is no history
            self.same(*actor.both("exit", status))

    @rule(who=WHO)
    def execute(self, who: int) -> None:
        actor = self.living(who)
        if actor is not None and not self.executed:  # once in a history: starting an interpreter takes its time
            self.executed = True
            self.same(*actor.both("execute"))

    @rule(who=WHO, ignore=st.booleans())
    def ignore_sigchld(self, who: int, ignore: bool) -> None:
        actor = self.living(who)
        if actor is not None:
            self.same(*actor.both("ignore_sigchld", ignore))

    @rule(who=WHO, other=WHO)
    def wait_for_one(self, who: int, other: int) -> None:
        actor, child = self.living(who), self.pairs[other % len(self.pairs)]
        if actor is not None and self.exists(child):
            self.same(*actor.both("wait", child))

    @rule(other=WHO)
    def the_outside_waits(self, other: int) -> None:
        child = self.pairs[other % len(self.pairs)]
        if self.exists(child):
            self.same(*self.outside.both("wait", child))

    @rule(who=WHO)
    def wait_for_any(self, who: int) -> None:
        actor = self.living(who)
        if actor is None:
            return
        got = outcome(actor.real.wait)
        process = self.modelled.machine.kernel.process(actor.modelled.pid)  # type: ignore[union-attr]
        zombies = [self.modelled.who(child.pid) for child in reversed(process.children) if not child.alive]  # LX-5
        if isinstance(got, tuple):
            if got[0] not in (zombies if self.several_died else zombies[:1]):
                self.fail(f"Linux: {got!r}, simulated: one of {zombies!r}")
            chosen = next(pair for pair in self.pairs if pair.real.name == got[0])
            self.same(got, outcome(actor.modelled.wait, chosen.modelled))
        else:
            self.same(got, outcome(actor.modelled.wait))

    @rule(who=WHO, other=WHO, signal=SIGNALS)
    def kill(self, who: int, other: int, signal: str) -> None:
        actor, victim = self.living(who), self.pairs[other % len(self.pairs)]
        if actor is not None and self.exists(victim):
            self.same(*actor.both("kill", victim, signal))

    @rule(who=WHO)
    def acquire(self, who: int) -> None:
        actor = self.living(who)
        if actor is None:
            return
        below = list(self.process(actor).below())
        owned = self.modelled.machine.ask(actor.modelled.pid, "call", "reaper.owned", (), {}).value
        self.same(*actor.both("call", "reaper.acquire"))
        if not owned:
            actor.counts = not below  # LX-3
            for pair in self.pairs:  # RF-3, RF-5
                if pair is not actor and pair.alive and self.process(actor) in set(self.process(pair).below()):
                    pair.counts = False

    @rule(who=WHO)
    def release(self, who: int) -> None:
        actor = self.living(who)
        if actor is not None:
            self.same(*actor.both("call", "reaper.release"))

    @rule(who=WHO, signal=DEATHSIGS)
    def set_deathsig(self, who: int, signal: str | int) -> None:
        actor = self.living(who)
        if actor is None:
            return
        answers = []
        for one in (actor.real, actor.modelled):
            number = signal if isinstance(signal, int) else 0 if signal == "0" else one.world.signal(signal)
            answers.append(outcome(one.call, "pdeathsig.set", number))
        if signal in UNDELIVERABLE:  # DP-9: stored, and refused as not deliverable
            answers[1] = "EOPNOTSUPP"
        self.same(*answers)

    @rule(who=WHO)
    def status(self, who: int) -> None:
        actor = self.living(who)
        if actor is not None:
            actor.real.procctl("PROC_REAP_STATUS")
            self.compare()

    def told(self, pair: Pair) -> tuple[Any, Any]:
        """Return what STATUS says of a living process, in both worlds."""
        ask = ("call", "procctl", (0, 0, int(self.real.numbers.PROC_REAP_STATUS)), {})
        real, modelled = (one.world.machine.ask(one.pid, *ask).value for one in (pair.real, pair.modelled))
        children = [child.pid for child in self.process(pair).children]
        youngest = self.modelled.who(max(children, default=None))  # LX-5
        refs = modelled.refs if pair.counts else real.refs
        return (real.flags, real.refs, self.real.who(real.pid_head)), (modelled.flags, refs, youngest)

    def process(self, pair: Pair) -> Any:
        """Return the simulated process."""
        return self.modelled.machine.kernel.process(pair.modelled.pid)  # type: ignore[union-attr]

    def exists(self, pair: Pair) -> bool:
        """Say whether a pid still means this process."""
        return self.modelled.machine.kernel.find(pair.modelled.pid) is not None  # type: ignore[union-attr]

    def same(self, real: Any, modelled: Any) -> None:
        """Compare two answers, then the worlds."""
        if real != modelled:
            self.fail(f"Linux: {real!r}, simulated: {modelled!r}")
        self.compare()

    def compare(self) -> None:
        """Compare everything that can be seen of each process."""
        for pair in self.pairs:
            if self.seen(pair.modelled) == GONE:
                self.await_removal(pair)
        died = 0
        for pair in self.pairs:
            real, modelled = (self.seen(actor) for actor in (pair.real, pair.modelled))
            if real == modelled and pair.alive:
                real, modelled = self.told(pair)
                if real != modelled:
                    pair.real.procctl("PROC_REAP_STATUS")  # the scenario is to show it
            if real != modelled:
                self.fail(f"{pair.real.name}: Linux: {real!r}, simulated: {modelled!r}")
            died += not pair.alive and not hasattr(pair, "dead")
            if not pair.alive:
                pair.dead = True  # type: ignore[attr-defined]
        self.several_died |= died > 1

    def await_removal(self, pair: Pair) -> None:
        """Linux removes a process that no other can wait for a moment after its death is told, and its dead
        children, which went to a reaper like that, a moment after itself."""
        with suppress(AssertionError):  # then the difference is shown
            eventually(lambda: self.seen(pair.real)[0] != GONE[0] or self.seen(pair.real) == GONE, timeout=10)

    @staticmethod
    def seen(actor: Actor) -> tuple[Any, ...]:
        if not actor.alive:
            return ("dead", actor.parent)
        ppid, pending, signal = actor.look()
        name = actor.world.machine.signal_name(signal) if signal else "0"
        return ("alive", actor.world.who(ppid), pending, name)

    def fail(self, text: str) -> None:
        scenario = self.trace.scenario(self.real.flavour)
        type(self).failed = scenario
        import json

        raise AssertionError(f"{text}\n\nthe history, for `pydfly replay`:\n{json.dumps(scenario)}")
