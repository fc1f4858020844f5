"""Random histories of a simulated DragonFly never break an invariant; a failing one is shrunk to the shortest."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pydfly import SyscallError, simkernel
from pydfly.constants.dragonfly import (
    PROC_PDEATHSIG_CTL,
    PROC_REAP_ACQUIRE,
    PROC_REAP_RELEASE,
    PROC_REAP_STATUS,
)
from pydfly.simkernel import Process

from .invariants import check, living_reaper

WHO = st.integers(0, 100)
PATHS = st.sampled_from(["/a", "/b", "/c"])
USERS = st.sampled_from([0, 0, 5, 6])
FATAL = 9


class DragonFlyHistories(RuleBasedStateMachine):
    """Beside the kernel runs a simple model: lists of children by pid, and the registry as pairs."""

    @initialize()
    def boot(self) -> None:
        self.kernel = simkernel.boot("dragonfly")
        self.children: dict[int, list[int]] = {1: []}
        self.registry: list[tuple[int, str]] = []
        for _ in range(2):
            self._appear(self.kernel.spawn("/a"))

    def _appear(self, child: Process) -> None:
        self.children[child.ppid].insert(0, child.pid)
        self.children[child.pid] = []

    def _living(self, number: int, init_too: bool = False) -> Process:
        living = [process for process in self.kernel.processes() if process.alive and (init_too or process.ppid)]
        if not living:
            self._appear(self.kernel.spawn("/a"))
            living = [self.kernel.init.children[0]]
        return living[number % len(living)]

    def _expect_death(self, process: Process) -> list[int]:
        """Move the children, then perhaps the zombie; return the processes that the death kills."""
        heir = living_reaper(process)
        assert heir is not None
        batch = self.children[process.pid]
        self.children[process.pid] = []
        self.children[heir.pid] = batch[::-1] + self.children[heir.pid]
        parent = process.parent
        assert parent is not None
        if (parent.sigchld == "ignore") and heir is not parent:
            self.children[parent.pid].remove(process.pid)
            self.children[heir.pid].insert(0, process.pid)
        return [pid for pid in batch if self.kernel.process(pid).alive and self.kernel.process(pid).deathsig == FATAL]

    @rule(who=WHO, nowait=st.booleans())
    def fork(self, who: int, nowait: bool) -> None:
        parent = self._living(who, init_too=True)
        child = parent.fork(nowait=nowait)
        assert child.ppid == (self._reaper_of(parent) if nowait else parent).pid
        self._appear(child)

    def _reaper_of(self, process: Process) -> Process:
        owner = process.node is not None and process.node.owner is process
        reaper = process if owner else living_reaper(process)
        assert reaper is not None
        return reaper

    @rule(who=WHO, code=st.integers(0, 255))
    def exit(self, who: int, code: int) -> None:
        process = self._living(who)
        killed = self._expect_death(process)
        if killed:
            # processes killed by it die in turn: leave that to the invariants, and take the lists from the kernel
            process.exit(code)
            self._read_lists()
        else:
            process.exit(code)
        assert process.status == code << 8

    @rule(who=WHO, whom=WHO, number=st.sampled_from([0, FATAL, 15, 20, 30]))
    def kill(self, who: int, whom: int, number: int) -> None:
        sender, victim = self._living(who), self._living(whom)
        try:
            sender.kill(victim.pid, number)
        except SyscallError as error:
            assert error.errno_name == "EPERM"
            assert sender is not victim
            return
        if number == FATAL:
            assert not victim.alive
            self._read_lists()
        elif number in (15, 30):
            assert number in victim.pending

    def _read_lists(self) -> None:
        self.children = {process.pid: [child.pid for child in process.children] for process in self.kernel.processes()}

    @rule(who=WHO, any_child=st.booleans(), which=WHO)
    def wait(self, who: int, any_child: bool, which: int) -> None:
        process = self._living(who, init_too=True)
        own = self.children[process.pid]
        target = -1 if any_child or not own else own[which % len(own)]
        zombies = [pid for pid in own if not self.kernel.process(pid).alive and target in (-1, pid)]
        try:
            waited = process.wait(target, nohang=True)
        except SyscallError as error:
            assert error.errno_name == "ECHILD"
            assert own == []
            return
        assert (waited[0] if waited else None) == (zombies[0] if zombies else None)
        if waited:
            own.remove(waited[0])
            assert self.children.pop(waited[0]) == []

    @rule(who=WHO)
    def acquire(self, who: int) -> None:
        process = self._living(who)
        owner = process.node is not None and process.node.owner is process
        try:
            process.procctl(0, 0, PROC_REAP_ACQUIRE)
            assert not owner
        except SyscallError as error:
            assert owner
            assert error.errno_name == "EALREADY"
            return
        assert process.procctl(0, 0, PROC_REAP_STATUS)[:2] == (1, 0)  # type: ignore[index]

    @rule(who=WHO)
    def release(self, who: int) -> None:
        process = self._living(who)
        owner = process.node is not None and process.node.owner is process
        try:
            process.procctl(0, 0, PROC_REAP_RELEASE)
            assert owner
        except SyscallError as error:
            assert not owner
            assert error.errno_name == "ENOTCONN"

    @rule(who=WHO, number=st.sampled_from([0, FATAL, FATAL, 30, 127, 129, -1]))
    def arm(self, who: int, number: int) -> None:
        process = self._living(who)
        before = process.deathsig
        process.procctl(0, 0, PROC_PDEATHSIG_CTL, number)
        assert process.deathsig == (number if 0 <= number <= 128 else before)

    @rule(who=WHO, ignore=st.booleans())
    def sigchld(self, who: int, ignore: bool) -> None:
        self._living(who).ignore_sigchld(ignore)

    @rule(who=WHO, uid=USERS)
    def setuid(self, who: int, uid: int) -> None:
        process = self._living(who)
        allowed = process.euid == 0 or uid in (process.ruid, process.euid)
        try:
            process.setuid(uid)
            assert allowed
        except SyscallError:
            assert not allowed

    @rule(who=WHO, path=PATHS, suid=st.booleans(), owner=USERS)
    def execute(self, who: int, path: str, suid: bool, owner: int) -> None:
        process = self._living(who)
        effective, deathsig = process.euid, process.deathsig
        started = process.execve(path, suid=suid, owner=owner)
        assert started.resident == (path in [name for _, name in self.registry])
        changes = suid and owner != effective
        assert process.euid == (owner if changes else effective)
        assert process.deathsig == (0 if changes else deathsig)
        assert process.sigchld == "default"

    @rule(who=WHO)
    def register(self, who: int) -> None:
        process = self._living(who)
        path = process.text.path if process.text else None
        if process.euid != 0:
            expected = "EPERM"
        elif path is None:
            expected = "ENOENT"
        elif path in [name for _, name in self.registry]:
            expected = "EEXIST"
        else:
            expected = None
        try:
            process.exec_sys_register(4711)
            assert expected is None and path is not None
            self.registry.append((len(self.registry) + 1, path))
        except SyscallError as error:
            assert error.errno_name == expected

    @rule(who=WHO, id=st.integers(-3, 4))
    def unregister(self, who: int, id: int) -> None:
        process = self._living(who)
        path = process.text.path if process.text else None
        wanted = next((number for number, name in self.registry if name == path), id) if id == -1 else id
        kept = [] if id == -2 else [entry for entry in self.registry if entry[0] != wanted]
        count = len(self.registry) - len(kept)
        try:
            assert process.exec_sys_unregister(id) == count
            self.registry = kept
        except SyscallError as error:
            assert error.errno_name == ("EPERM" if process.euid else "ENOENT")
            assert process.euid or not count

    @invariant()
    @precondition(lambda self: hasattr(self, "kernel"))
    def holds(self) -> None:
        check(self.kernel)
        assert {
            process.pid: [child.pid for child in process.children] for process in self.kernel.processes()
        } == self.children
        listed = [(entry.id, entry.path) for entry in self.kernel.init.vm_resident()]
        assert listed == self.registry


TestDragonFlyHistories = DragonFlyHistories.TestCase
TestDragonFlyHistories.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
