"""What a first run on real kernels showed, each as a program in a confined machine: it failed there, and holds now."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

import pydfly
from pydfly.conformance.live import Live
from pydfly.structs import DescendantInfo
from tests.live import onlooker
from tests.processes import eventually

from .machine import Machine
from .test_machine import BEGIN, played

RUN = ("-m", "pydfly", "run", "--grace", "0.5", "--")
LOOK = 5.0
"""Seconds after which a reaper on DragonFly looks for zombies that it was not told of."""


@contextmanager
def running(machine: Machine, *words: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Start the interpreter there, and give its process and its output; it is ended with the block."""
    process = subprocess.Popen(
        [machine.python, *words], cwd=machine.tree, env=machine.environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        yield process, process.stdout
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def helpers(guard: int) -> list[int]:
    """Return the pids of guard, deputy and warden."""
    (deputy,) = eventually(lambda: onlooker.children(guard))
    (warden,) = eventually(lambda: onlooker.children(deputy))
    return [guard, deputy, warden]


@pytest.mark.parametrize(("command", "status"), [("exit 3", 3), ("trap '' TERM; setsid sleep 60 & exit 4", 4)])
def test_run_ends_as_its_command_does(machine: Machine, command: str, status: int) -> None:
    """Item 2: a signal upwards ended every ``pydfly run`` on DragonFly in 125."""
    done = machine.run(*RUN, "sh", "-c", command)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


@pytest.mark.parametrize("victim", [0, 1, 2], ids=["guard", "deputy", "warden"])
def test_nothing_is_signalled_upwards(machine: Machine, victim: int) -> None:
    """Item 2: whichever helper is stopped or killed, the others do without a signal that would be refused."""
    code = """
import pydfly, sys
with pydfly.supervise(["sh", "-c", "setsid sleep 60 & exec sleep 60"], grace=0.2) as service:
    service.wait_started()
    print("ready", flush=True)
    sys.stdin.readline()
"""
    process = subprocess.Popen(
        [machine.python, "-c", code],
        cwd=machine.tree,
        env=machine.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        (guard,) = onlooker.children(process.pid)
        pids = helpers(guard)
        below = eventually(lambda: len(found := onlooker.children(pids[2])) == 1 and found)
        os.kill(pids[victim], 19)  # SIGSTOP of Linux: this is no program of the machine
        os.kill(pids[victim], 9)
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(60)
    eventually(lambda: not any(map(onlooker.alive, [*pids, *below])))
    assert [machine.entry(pid).refused for pid in pids] == [0, 0, 0]


ZOMBIES = """
import os, signal
middle = os.fork()
if middle == 0:
    children = [os.fork() or os._exit(0) for _ in range(6)]
    for pid in children:  # each is dead, and none is collected
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    os._exit(0)
os.waitpid(middle, 0)
print("ready", flush=True)
signal.alarm(60)
signal.pause()
"""


def test_adopted_zombies_are_collected(machine: Machine) -> None:
    """Item 3: no SIGCHLD comes for them on DragonFly, and yet they are gone within a few seconds."""
    with running(machine, *RUN, machine.python, "-c", ZOMBIES) as (process, output):
        output.readline()
        warden = helpers(process.pid)[2]
        eventually(lambda: len(onlooker.children(warden)) == 1, LOOK + 5)


def test_helpers_sleep(machine: Machine) -> None:
    """Item 3: that costs at most one wake-up in five seconds where it is needed, and none where it is not."""
    with running(machine, *RUN, "sh", "-c", "echo ready; exec sleep 60") as (process, output):
        output.readline()
        pids = helpers(process.pid)

        def counts() -> list[int]:
            return [machine.entry(pid).wakeups for pid in pids]

        before = _steady(counts)
        began = time.monotonic()
        eventually(lambda: time.monotonic() - began >= LOOK + 1)  # what is measured is a time
        most = 1 + int((time.monotonic() - began) / LOOK) if machine.flavour == "dragonfly" else 0
        assert all(after - then <= most for then, after in zip(before, counts(), strict=True))


def _steady(counts: Callable[[], list[int]]) -> list[int]:
    """Wait until the counts have stood still for half a second, and return them."""
    seen, since = counts(), time.monotonic()

    def is_steady() -> bool:
        nonlocal seen, since
        if (now := counts()) != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since >= 0.5

    eventually(is_steady)
    return seen


def test_descriptors_are_closed_at_once(machine: Machine) -> None:
    """Item 4: 64,832 times close(2) take a second."""
    with running(machine, *RUN, "sh", "-c", "echo ready; exec sleep 60") as (process, output):
        output.readline()
        pids = helpers(process.pid)
        assert [pid for pid in (*pids, *onlooker.children(pids[2])) if machine.entry(pid).bad_closes > 1000] == []


def test_the_standard_ones_stay_open(machine: Machine) -> None:
    """Item 4: whatever is closed, a command that cannot be started is told on standard error."""
    done = machine.run(*RUN, "no-such-command")
    assert (done.returncode, done.stderr) == (127, "pydfly: no-such-command: No such file or directory\n")


def test_a_user_may_not_register(dragonfly: Machine) -> None:
    """Item 5: the kernel's EPERM comes before the refusal that protects the system."""
    if os.geteuid() != 0:
        pytest.skip("needs the superuser, to become another user")
    code = """
register = pydfly.exec_sys_register
pydfly.backend()  # all is loaded before: the other user may not read where this is
try:
    os.setuid(65534)
    register(0)
except OSError as error:
    print(json.dumps([type(error).__name__, error.errno, error.syscall]))
"""
    assert played(dragonfly, code)[1:] == [1, "exec_sys_register"]


def test_descriptors_are_passed(machine: Machine) -> None:
    """Item 8: to the helpers of the supervisor, and to the processes of the conformance suite."""
    code = """
import subprocess
from pydfly.conformance import channel
ours, theirs = socket.socketpair()
reading, writing = os.pipe()
channel.send(ours, "message", writing)
message, descriptor = channel.receive(theirs)
os.write(descriptor, b"through")
with pydfly.supervise(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as service:
    service.stdin.write(b"through, too")
    service.stdin.close()
    print(json.dumps([message, os.read(reading, 20).decode(), service.stdout.read().decode()]))
"""
    assert played(machine, code) == ["message", "through", "through, too"]


def test_the_last_words_of_a_helper_are_heard(machine: Machine) -> None:
    """Though it has ended, and shutdown(2) says that its socket is not connected any longer."""
    code = """
from pydfly.supervisor.helper_socket import HelperSocket
ours, theirs = (HelperSocket(end.detach()) for end in socket.socketpair())
theirs.send(("last", 1))
theirs.close()
ours.finish()
print(json.dumps([[list(message), sent] for message, sent in ours.receive()]))
"""
    assert played(machine, code) == [[["last", 1], []]]


def test_the_end_of_a_connection_is_seen(machine: Machine) -> None:
    """Also with nothing to read or write: a helper that has ended is not signalled, as its pid may be another's."""
    code = """
from pydfly.supervisor.owner_socket import OwnerSocket
ours, theirs = socket.socketpair()
end = OwnerSocket(ours)
seen = [end._is_held()]
theirs.shutdown(socket.SHUT_WR)
seen.append(end._is_held())
theirs.close()
print(json.dumps([*seen, end._is_held()]))
"""
    assert played(machine, code) == [True, True, False]


RFORK = """
import ctypes, os, sys
pid = ctypes.CDLL(None).rfork(1 << 4 | 1 << 6 | 1 << 19)  # RFPROC | RFNOWAIT | RFTSIGZMB
if pid == 0:
    os._exit(0)
sys.exit(7)
"""


def test_children_of_another_kind_are_collected(machine: Machine) -> None:
    """Item 9: the warden gave up a child that a plain wait passes over, and ended in 125."""
    done = machine.run(*RUN, machine.python, "-c", RFORK)
    assert (done.returncode, done.stderr) == (7, "")


def test_no_debugger_stops_a_helper(freebsd: Machine) -> None:
    """Item 10: a process that attached to the warden would stop it for good."""
    code = """
import ctypes, os, subprocess, sys
attach = ctypes.CDLL(None).ptrace
above = [os.getppid()]
for _ in range(2):
    told = subprocess.run(["cat", f"//proc/{above[-1]}/stat"], capture_output=True, text=True).stdout
    above.append(int(told.rpartition(")")[2].split()[1]))
sys.exit(sum(attach(16, pid, 0, 0) == -1 for pid in above))
"""
    assert freebsd.run(*RUN, freebsd.python, "-c", code, timeout=200).returncode == 3


def test_the_doctor_is_well(machine: Machine) -> None:
    """Items 1 and 11: it ended in an ImportError on DragonFly, and took a package for the C module in it."""
    done = machine.run("-m", "pydfly", "doctor", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["backend"]["name"] == "native" and report["backend"]["flavour"] == machine.flavour
    assert [check["name"] for check in report["checks"] if check["name"].startswith(("native", "sqlite3"))]


def test_kill_all(machine: Machine) -> None:
    """A process ends its own domain, deaf daemons and what they start included."""
    code = """
import subprocess
pydfly.reaper.acquire()
script = "trap '' TERM; echo ready; while :; do setsid sleep 60 & sleep 0.01; done"
member = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)
member.stdout.readline()
report = pydfly.reaper.kill_all(grace=0.2)
print(json.dumps([member.wait(), len(report.survivors), len(pydfly.reaper.descendants())]))
"""
    assert BEGIN and played(machine, code) == [-9, 0, 0]


def test_no_status_of_a_fork_is_stolen(machine: Machine) -> None:
    """Item 7: a child that ends before the hook of its parent's fork runs is known all the same."""
    code = """
import threading
pydfly.reaper.acquire()
over, passed = threading.Event(), threading.Event()
def reap():
    while not over.is_set():
        pydfly.reaper.reap()
        passed.set()
thread = threading.Thread(target=reap)
thread.start()
statuses = []
for _ in range(40):
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        for _ in range(2):  # the first may have begun before the child was dead
            passed.clear()
            passed.wait()
        statuses.append(os.waitpid(pid, 0)[1] >> 8)
    except ChildProcessError:
        statuses.append("stolen")
over.set()
thread.join()
print(json.dumps(sorted(set(statuses), key=str)))
"""
    assert played(machine, code) == [7]


@pytest.mark.parametrize("content", ["", "\x7fELF", "\x7fELF" + "x" * 59])
def test_a_short_file_is_no_executable(dragonfly: Machine, content: str) -> None:
    """Item 6: with fewer than 64 bytes there is one line, whatever the file begins with."""
    file = dragonfly.folder / "short"
    file.write_text(content)
    done = dragonfly.run("-m", "pydfly", "resident", str(file))
    assert (done.returncode, done.stderr) == (1, f"resident: {file}: not a dynamic executable\n")


def test_the_demonstration(machine: Machine) -> None:
    """All of it holds where there is no /proc, no setsid(1), and no registry but a kernel's."""
    command = Path(machine.python).with_name("pydfly")
    code = f"import sys; sys.path.insert(0, {str(machine.tree)!r}); from pydfly.cli import main; sys.exit(main())"
    command.write_text(f"#!{machine.python}\n{code}\n")
    command.chmod(0o755)
    done = machine.run(
        "-c", "import runpy, sys; sys.path.insert(0, ''); runpy.run_path('ci/demo.py', run_name='__main__')"
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "=== everything held"), done.stdout + done.stderr


def test_a_recording_replays(machine: Machine) -> None:
    """Whatever holds there is recorded, and the simulated kernel does the same; what Linux cannot play is not."""
    recording = str(machine.folder / "conform.jsonl")
    told = machine.run("-m", "pydfly", "conform", "--out", recording, timeout=500).stdout.splitlines()[-1]
    assert int(told.split()[2]) > 40, told
    replayed = machine.run("-m", "pydfly", "replay", recording)
    assert (replayed.returncode, replayed.stdout.split(", ")[-1]) == (0, "0 differences\n"), replayed.stdout


class Processes:
    """A kernel's list: a zombie that its dead reaper keeps (LC-1)."""

    def everyone(self) -> list[DescendantInfo]:
        return [DescendantInfo(12, 11, "worker", "zombie", 1.0)]


@pytest.mark.parametrize(("pid", "parent"), [(12, 11), (13, None)])
def test_the_kernel_is_asked_for_the_parent(pid: int, parent: int | None) -> None:
    """Item 10: FreeBSD leaves a zombie with its dead reaper, which cannot be asked by wait."""
    live = Live.__new__(Live)
    live._channels = {}
    live._kernel_lists = True
    live._processes = Processes()  # type: ignore[assignment]
    assert live.parent_of(pid) == parent


def test_no_parent_is_made_up_elsewhere() -> None:
    """Linux shows each zombie to its parent; one that no process can wait for is gone."""
    live = Live.__new__(Live)
    live._channels = {}
    live._kernel_lists = False
    live._processes = pydfly.backends.current().processes
    assert live.parent_of(os.getpid()) is None
