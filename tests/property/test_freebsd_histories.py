"""Random histories of a simulated FreeBSD against a plain model; a failing one is shrunk to the shortest."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pydfly import ReaperKill, ReaperKilled, SyscallError, simkernel
from pydfly.constants import freebsd as bsd
from pydfly.simkernel import Process

WHO = st.integers(0, 100)
FATAL, HARMLESS = 9, 30
P_PID = int(bsd.P_PID)


class FreeBSDHistories(RuleBasedStateMachine):
    """Beside the kernel runs a model: lists of children and of members by pid, and each one's reaper and subtree."""

    @initialize(version=st.sampled_from(["13.2", "main"]))
    def boot(self, version: str) -> None:
        self.kernel = simkernel.boot("freebsd", version)
        self.children: dict[int, list[int]] = {1: []}
        self.members: dict[int, list[int]] = {1: []}
        self.reaper: dict[int, int] = {1: 1}
        self.subtree: dict[int, int] = {1: 1}
        for _ in range(2):
            self._appear(self.kernel.spawn("/a"), 1, 1)

    def _appear(self, child: Process, parent: int, reaper: int) -> None:
        pid = child.pid
        self.children[parent].insert(0, pid)
        self.children[pid] = []
        self.members[reaper].insert(0, pid)
        self.reaper[pid] = reaper

    def _living(self, number: int, init_too: bool = False) -> Process:
        living = [process for process in self.kernel.processes() if process.alive and (init_too or process.ppid)]
        if not living:
            child = self.kernel.spawn("/a")
            self._appear(child, 1, 1)
            self.subtree[child.pid] = 1
            living = [child]
        return living[number % len(living)]

    def _parent_of(self, pid: int) -> int:
        return next(parent for parent, children in self.children.items() if pid in children)

    def _move(self, pid: int, parent: int) -> None:
        self.children[self._parent_of(pid)].remove(pid)
        self.children[parent].insert(0, pid)

    def _expect_death(self, process: Process) -> list[Process]:
        """Move the children to their own reapers, then perhaps the zombie; return what the death kills."""
        doomed = []
        for pid in list(self.children[process.pid]):
            if self.reaper[pid] != process.pid:
                self._move(pid, self.reaper[pid])
            child = self.kernel.process(pid)
            if child.alive and child.deathsig == FATAL:
                doomed.append(child)
        parent, reaper = self._parent_of(process.pid), self.reaper[process.pid]
        if self.kernel.process(parent).sigchld == "ignore" and parent != reaper:
            self._move(process.pid, reaper)
        return doomed

    def _expect_deaths(self, victims: list[Process]) -> None:
        queue = list(victims)
        dead = set()
        for victim in queue:
            if victim not in dead:
                dead.add(victim)
                queue += [child for child in self._expect_death(victim) if child not in dead]

    @rule(who=WHO, nowait=st.booleans())
    def fork(self, who: int, nowait: bool) -> None:
        parent = self._living(who, init_too=True)
        owner = parent.pid in self.members
        reaper = self.reaper[parent.pid] if nowait or not owner else parent.pid
        child = parent.fork(nowait=nowait)
        self._appear(child, reaper if nowait else parent.pid, reaper)
        own_line = reaper == parent.pid and parent.pid != 1
        self.subtree[child.pid] = child.pid if own_line else self.subtree[parent.pid]

    @rule(who=WHO)
    def acquire(self, who: int) -> None:
        process = self._living(who, init_too=True)
        refused = None
        try:
            process.procctl(P_PID, 0, bsd.PROC_REAP_ACQUIRE)
        except SyscallError as error:
            refused = error.errno_name
        assert refused == ("EBUSY" if process.pid in self.members else None)
        self.members.setdefault(process.pid, [])

    @rule(who=WHO)
    def release(self, who: int) -> None:
        process = self._living(who, init_too=True)
        refused = None
        try:
            process.procctl(P_PID, 0, bsd.PROC_REAP_RELEASE)
        except SyscallError as error:
            refused = error.errno_name
        if process.pid == 1 or process.pid not in self.members:
            assert refused == "EINVAL"
            return
        assert refused is None
        self._dissolve(process.pid, False)

    def _dissolve(self, pid: int, dead: bool) -> None:
        above = self.reaper[pid]
        for member in self.members.pop(pid):
            self.members[above].insert(0, member)
            self.reaper[member] = above
            self.subtree[member] = self.subtree[pid]
            if dead and member in self.children[pid]:
                self._move(member, above)

    @rule(who=WHO, value=st.sampled_from([0, FATAL, HARMLESS]))
    def set_signal(self, who: int, value: int) -> None:
        self._living(who).procctl(P_PID, 0, bsd.PROC_PDEATHSIG_CTL, value)

    @rule(who=WHO, ignore=st.booleans())
    def ignore_sigchld(self, who: int, ignore: bool) -> None:
        self._living(who, init_too=True).ignore_sigchld(ignore)

    @precondition(lambda self: len(self.reaper) > 2)
    @rule(who=WHO)
    def exit(self, who: int) -> None:
        process = self._living(who)
        self._expect_deaths([process])
        process.exit(3)

    @rule(who=WHO, whom=WHO)
    def kill(self, who: int, whom: int) -> None:
        sender, victim = self._living(who, init_too=True), self._living(whom)
        self._expect_deaths([victim])
        sender.kill(victim.pid, FATAL)

    @rule(who=WHO)
    def wait(self, who: int) -> None:
        parent = self._living(who, init_too=True)
        zombies = [pid for pid in self.children[parent.pid] if not self.kernel.process(pid).alive]
        if not zombies:
            return
        waited = parent.wait(nohang=True)
        assert waited is not None and waited[0] == zombies[0]
        if zombies[0] in self.members:
            self._dissolve(zombies[0], True)
        self.children[parent.pid].remove(zombies[0])
        self.members[self.reaper[zombies[0]]].remove(zombies[0])

    @rule(who=WHO, flags=st.sampled_from([0, 0, 1, 2]), line=WHO)
    def kill_domain(self, who: int, flags: int, line: int) -> None:
        """All processes are root's here: none refuses."""
        caller = self._living(who, init_too=True)
        reaper = caller.pid if caller.pid in self.members else self.reaper[caller.pid]
        subtree = self._living(line).pid
        targets = self._targets(reaper, flags, subtree)
        for process in targets:
            assert process.take_signals() is not None
        refused = None
        try:
            result = caller.procctl(P_PID, 0, bsd.PROC_REAP_KILL, ReaperKill(HARMLESS, flags, subtree))
        except SyscallError as error:
            refused, result = error.errno_name, error.result
        assert result == ReaperKilled(len(targets), -1)
        others = [process for process in targets if process is not caller or self.kernel.flavour.version == "main"]
        assert refused == (None if others and flags != 1 else "ESRCH")
        assert all(process.pending == [HARMLESS] for process in targets)
        for process in targets:
            process.take_signals()

    def _targets(self, reaper: int, flags: int, subtree: int) -> list[Process]:
        if flags == 1:
            found = self.children[reaper]
        else:
            if not self.kernel.process(reaper).alive:
                return []
            found = [pid for pid in self.members[reaper] if flags == 0 or self.subtree[pid] == subtree]
            for pid in found:
                if pid in self.members and self.kernel.process(pid).alive:
                    found += self.members[pid]
        return [process for pid in found if (process := self.kernel.process(pid)).alive]

    @invariant()
    def lists_are_the_models(self) -> None:
        if not hasattr(self, "kernel"):
            return
        everyone = {process.pid: process for process in self.kernel.processes()}
        for pid, process in everyone.items():
            assert [child.pid for child in process.children] == self.children[pid]
            assert process.reaper is everyone[self.reaper[pid]]
            assert process.subtree == self.subtree.setdefault(pid, 1)
            assert (process.domain is not None) == (pid in self.members)
            if process.domain is not None:
                assert [*reversed(process.domain)] == self.members[pid]
        assert not self.kernel.doomed

    @invariant()
    def status_and_getpids_are_the_models(self) -> None:
        if not hasattr(self, "kernel"):
            return
        for process in self.kernel.processes():
            if not process.alive:
                continue
            reaper = process.pid if process.pid in self.members else self.reaper[process.pid]
            listed = self.members[reaper]
            children = [pid for pid in listed if pid in self.children[reaper]]
            head = self.children[reaper][0] if self.children[reaper] else None
            flags = (1 if reaper == process.pid else 0) | (2 if reaper == 1 else 0)
            first = -1 if not listed else head
            assert process.procctl(P_PID, 0, bsd.PROC_REAP_STATUS) == (flags, len(children), len(listed), reaper, first)
            infos = process.procctl(P_PID, 0, bsd.PROC_REAP_GETPIDS)
            assert isinstance(infos, list)
            assert [(info.pid, info.subtree) for info in infos] == [(pid, self.subtree[pid]) for pid in listed]

    @invariant()
    def every_orphan_has_a_reaper(self) -> None:
        """A living child of a zombie: only where the zombie is its own reaper and has not been waited for."""
        if not hasattr(self, "kernel"):
            return
        for process in self.kernel.processes():
            parent = process.parent
            if parent is not None and not parent.alive:
                assert process.reaper is parent


TestFreeBSDHistories = FreeBSDHistories.TestCase
TestFreeBSDHistories.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
