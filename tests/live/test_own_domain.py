"""``reaper.reap()`` and ``reaper.kill_all()`` in a process that is a reaper itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import pydfly
from pydfly import reaper
from pydfly.backends import current
from tests.conftest import linux_only, live_only
from tests.live import onlooker
from tests.processes import eventually, fork, in_process, may_unshare

pytestmark = live_only
DEAF = "trap '' TERM; while :; do sleep 1; done"


def orphan(code: str) -> int:
    """Start a daemon, and return its pid once it is this process's child."""
    own = os.getpid()
    # it dies as an orphan: a shell may collect a child that dies before
    reading, writing = os.pipe()
    script = f"read -r begin; {code}"
    starter = ["sh", "-c", 'exec 3<&0; sh -c "$1" > /dev/null <&3 & echo $!', "sh", script]
    output = subprocess.run(starter, stdout=subprocess.PIPE, stdin=reading, start_new_session=True)
    os.close(reading)
    pid = int(output.stdout)
    eventually(lambda: onlooker.look(pid).ppid == own)
    os.write(writing, b"\n")
    os.close(writing)
    eventually(lambda: onlooker.look(pid).state in "SIZ")
    return pid


def test_dead_orphans_are_reaped() -> None:
    def own() -> object:
        reaper.acquire()
        pid = orphan("exit 5")
        reaped = eventually(reaper.reap)
        return [(process.pid == pid, os.waitstatus_to_exitcode(process.status)) for process in reaped], reaper.reap()

    assert in_process(own) == ([(True, 5)], [])


def test_a_living_orphan_is_not_waited_for() -> None:
    def own() -> object:
        reaper.acquire()
        orphan("sleep 60")
        answer = reaper.reap()
        reaper.kill_all(grace=5.0)
        return answer

    assert in_process(own) == []


def test_children_with_an_owner_are_left_to_it() -> None:
    def own() -> object:
        reaper.acquire()
        process = subprocess.Popen(["sh", "-c", "exit 7"])
        forked = os.fork()
        if forked == 0:
            os._exit(8)
        for pid in (process.pid, forked):
            eventually(lambda pid=pid: onlooker.look(pid).state == "Z")
        reaped = reaper.reap()
        return reaped, process.wait(), os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1])

    assert in_process(own) == ([], 7, 8)


@linux_only
def test_a_signal_handler_that_reaps_takes_no_child_that_is_being_made() -> None:
    """It may interrupt the very function that was about to note a child, which has died in the meantime."""

    def own() -> object:
        reaper.acquire()
        taken: list[pydfly.Reaped] = []
        signal.signal(signal.SIGCHLD, lambda number, frame: taken.extend(reaper.reap()))
        lost = []
        for _ in range(60):
            forked = os.fork()
            if forked == 0:
                os._exit(8)
            spawned = os.posix_spawn("/bin/sh", ["sh", "-c", "(exit 3) & exit 7"], {})
            started = subprocess.Popen(["sh", "-c", "exit 9"])
            for pid, status in ((forked, 8), (spawned, 7)):
                try:
                    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != status:
                        lost.append(status)
                except ChildProcessError:
                    lost.append(status)
            lost += [] if started.wait() == 9 else [9]
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        return lost, {os.waitstatus_to_exitcode(process.status) for process in taken} <= {3}

    assert in_process(own) == ([], True)


@linux_only
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exception_of_a_signal_handler_within_a_fork_stops_no_other_thread() -> None:
    """Ctrl-C in a hook of fork is ignored by Python; the hook must have given back what it took all the same."""

    def own() -> object:
        reaper.acquire()
        for step in range(200):
            pid = -1
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.00001 * (1 + step % 100))
                pid = os.fork()
                if pid == 0:
                    os._exit(8)
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
            except KeyboardInterrupt:
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.setitimer(signal.ITIMER_REAL, 0)
            if pid > 0 and os.waitpid(pid, 0)[1] != 8 << 8:
                return "lost"
        told: list[int] = []
        thread = threading.Thread(target=lambda: told.append(subprocess.run(["true"]).returncode), daemon=True)
        thread.start()
        thread.join(200)
        return told

    assert in_process(own) == [0]


def test_pids_that_the_caller_names_are_left_alone() -> None:
    def own() -> object:
        reaper.acquire()
        pid = orphan("exit 5")
        eventually(lambda: onlooker.look(pid).state == "Z")
        return reaper.reap(ignore=[pid]), len(reaper.reap())

    assert in_process(own) == ([], 1)


def test_kill_all_needs_a_domain() -> None:
    def own() -> None:
        with pytest.raises(pydfly.NotReaperError):
            reaper.kill_all()

    in_process(own)


def test_kill_all_ends_every_member_and_names_it(tmp_path: Path) -> None:
    def own() -> object:
        reaper.acquire()
        polite, deaf = orphan("exec sleep 60"), orphan(f"trap '' TERM; : > {tmp_path}/deaf; {DEAF}")
        eventually((tmp_path / "deaf").exists)
        began = time.monotonic()
        report = reaper.kill_all(grace=2.0)
        seconds = time.monotonic() - began
        ended = {process.pid for process in report.ended}
        statuses = {process.pid: process.status for process in report.reaped}
        assert {polite, deaf} <= ended
        assert (statuses[polite], statuses[deaf]) == (signal.SIGTERM, signal.SIGKILL)
        assert 2.0 <= report.seconds <= seconds < 60
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        return report.survivors, reaper.descendants()

    assert in_process(own) == ([], [])


def test_kill_all_at_once() -> None:
    def own() -> object:
        reaper.acquire()
        pids = {orphan("exec sleep 60") for _ in range(10)}
        report = reaper.kill_all(signal.SIGKILL, grace=1000.0)  # more than a test may take
        assert {process.pid for process in report.ended} == pids
        assert {process.pid for process in report.reaped} == pids
        return {process.status for process in report.reaped}

    assert in_process(own) == {signal.SIGKILL}


def test_kill_all_with_another_signal() -> None:
    def own() -> object:
        reaper.acquire()
        orphan("exec sleep 60")
        return [process.status for process in reaper.kill_all(signal.SIGHUP).reaped]

    assert in_process(own) == [signal.SIGHUP]


def test_kill_all_leaves_the_dead_to_their_owners_and_outsiders_alone() -> None:
    def own() -> object:
        outsider = subprocess.Popen(["sleep", "60"])
        reaper.acquire()
        member = subprocess.Popen(["sleep", "60"])
        report = reaper.kill_all(grace=5.0)
        answer = (member.wait(), outsider.poll(), len(report.ended), report.reaped)
        reaper.release()  # DragonFly: the owner of a domain may not signal a child from before it (DS-4)
        outsider.kill()
        outsider.wait()
        return answer

    assert in_process(own) == (-signal.SIGTERM, None, 1, [])


def test_kill_all_without_members() -> None:
    def own() -> object:
        reaper.acquire()
        report = reaper.kill_all(grace=1000.0)  # more than a test may take
        return report.ended, report.reaped, report.survivors

    assert in_process(own) == ([], [], [])


@pytest.mark.parametrize("grace", [-1, float("nan"), float("inf")])
def test_a_grace_that_is_no_time(grace: float) -> None:
    with pytest.raises(ValueError, match="grace"):
        reaper.kill_all(grace=grace)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(0, ValueError), (-1, ValueError), (999, ValueError), ("SIGTERM", TypeError), (15.0, TypeError)],
)
def test_what_is_no_signal_ends_nothing(number: int, kind: type[Exception]) -> None:
    """It is told before anything is signalled: nothing waits for a grace, and is killed, that was not asked to end."""

    def own() -> object:
        reaper.acquire()
        child = subprocess.Popen(["sleep", "60"])
        with pytest.raises(kind):
            reaper.kill_all(number, grace=0.01)
        answer = child.poll()
        child.kill()
        child.wait()
        return answer

    assert in_process(own) is None
    with pydfly.use("sim"):
        reaper.acquire()
        with pytest.raises(kind):
            reaper.kill_all(number)


@pytest.mark.parametrize("flavour", ["dragonfly"])
def test_kill_all_in_a_simulated_domain(flavour: str) -> None:
    """The same code ends simulated processes, by the way of that system."""
    from pydfly import simkernel

    shell = simkernel.boot(flavour).spawn("/bin/sh")
    with pydfly.use(shell):
        reaper.acquire()
        child = shell.fork()
        grandchild = child.fork()
        stubborn = child.fork()
        stubborn.block_signals(True) if hasattr(stubborn, "block_signals") else None
        child.exit(0)
        report = reaper.kill_all(grace=5.0)
        assert {process.pid for process in report.ended} >= {grandchild.pid, stubborn.pid}
        assert report.survivors == []
        assert reaper.descendants() == []
        assert reaper.status().descendants == 0


def line(own_session: bool) -> None:
    """Go on under ever new pids: fork, and leave at once.  It is bounded, in case it gets away."""
    if own_session:
        os.setsid()
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, signal.SIG_IGN)
    for _ in range(20_000):
        if os.fork():
            os._exit(0)


@linux_only
@pytest.mark.parametrize("own_session", [True, False])
def test_kill_all_beside_children_from_before_ends_lines_that_fork_and_exit(own_session: bool) -> None:
    """No listing need show any of them, and ECHILD never comes: it comes back only when none lives."""

    def own() -> object:
        words = ["sh", "-c", "sleep 60 & sleep 60 & wait"]
        before = subprocess.Popen(words, start_new_session=True)
        eventually(lambda: len(Path(f"/proc/{before.pid}/task/{before.pid}/children").read_text().split()) == 2)
        there = {before.pid, *map(int, Path(f"/proc/{before.pid}/task/{before.pid}/children").read_text().split())}
        left: list[object] = []
        for _ in range(3):
            reaper.acquire()
            for _ in range(4):
                fork(lambda: line(own_session))
            report = reaper.kill_all(grace=0.05)
            left += report.survivors
            left += [process for process in reaper.descendants() if process.state != "zombie"]
            for pid in [pid for pid in current().processes.children() if pid != before.pid]:
                os.waitpid(pid, 0)  # the first of each chain, which this process forked
            reaper.release()
        spared = {process.pid for process in current().processes.below(os.getpid()) if process.state != "zombie"}
        os.killpg(before.pid, signal.SIGKILL)
        before.wait()
        return left, spared == there

    assert in_process(own) == ([], True)


TRACED = """
import ctypes, os, sys, time
while os.getppid() != int(sys.argv[1]):
    time.sleep(0.01)
ctypes.CDLL(None).ptrace(0, 0, 0, 0)  # PTRACE_TRACEME
os.write(1, b".")
time.sleep(60)
"""


@linux_only
def test_an_orphan_that_is_traced_by_this_process_is_not_dead() -> None:
    """It has asked for that itself, and wait tells of each of its stops: it is neither reaped nor forgotten."""

    def script() -> None:
        reaper.acquire()
        words = ["sh", "-c", '"$@" &', "sh", sys.executable, "-c", TRACED, str(os.getpid())]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as starter:
            assert starter.stdout
            assert starter.stdout.read(1) == b"."
            (pid,) = [member.pid for member in reaper.descendants() if member.pid != starter.pid]
            starter.wait()
            os.kill(pid, signal.SIGWINCH)
            eventually(lambda: onlooker.look(pid).state == "t")
            assert reaper.reap() == []
            report = reaper.kill_all(grace=0.1)
        assert [member.pid for member in report.ended] == [pid]
        assert report.survivors == []
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    in_process(script)


@linux_only
@pytest.mark.skipif(not may_unshare(), reason="mounts another /proc")
def test_what_proc_does_not_show_is_not_taken_for_ended() -> None:
    """Where /proc is hidden the members cannot be found: that is said, instead of a report without members."""
    code = (
        "import subprocess, pydfly\n"
        "pydfly.reaper.acquire()\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "for call in (pydfly.reaper.descendants, lambda: pydfly.reaper.kill_all(grace=0.1)):\n"
        "    try: print(call())\n"
        "    except pydfly.SyscallError as error: print(error.errno_name, error.reason)\n"
        "print(child.poll())\n"
        "child.kill()\n"
        "child.wait()\n"
    )
    command = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh", sys.executable, "-c", code]
    reason = "EOPNOTSUPP /proc is not mounted: mount one that shows this process"
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.stdout.splitlines() == [reason, reason, "None"], told.stderr


@linux_only
@pytest.mark.skipif(not may_unshare(), reason="mounts another /proc")
def test_who_is_born_meanwhile_is_found_where_proc_does_not_tell_the_newest_pid() -> None:
    """A /proc with subset=pid has no loadavg: the list of pids is looked at alone."""
    code = (
        "import subprocess, pydfly\n"
        "from pydfly.ending.own_domain_linux import Scan\n"
        "pydfly.reaper.acquire()\n"
        "scan = Scan()\n"
        "members = scan.members()\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print([process.pid == child.pid for process in scan.sweep(members)], child.wait())\n"
    )
    mount = 'mount -t proc -o subset=pid proc /proc && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True)
    if told.stderr.startswith("mount:"):
        pytest.skip("this kernel knows no subset=pid")
    assert told.stdout == "[True] -9\n", told.stderr
