"""The confined machines are what they are made for: each rule of the kernels, shown by a program that runs there."""

from __future__ import annotations

import json
from typing import Any

from .machine import Machine

BEGIN = """
import ctypes, json, os, signal, socket, sys, time
from array import array
import pydfly

def kills(pid, number=0, call=os.kill):
    try:
        call(pid, number)
    except OSError as error:
        return type(error).__name__
    return "sent"

def in_child(work):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, json.dumps(work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = json.load(pipe)
    os.waitpid(pid, 0)
    return answer
"""


def played(machine: Machine, code: str) -> Any:
    """Run a program there, which prints its answer as JSON."""
    done = machine.run("-c", f"{BEGIN}\n{code}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_package_takes_it_for_a_bsd(machine: Machine) -> None:
    """The binding answers, and nothing of Linux is there."""
    code = "print(json.dumps([pydfly.backend().name, pydfly.backend().flavour, sys.platform, os.path.exists('/proc'),"
    code += "hasattr(os, 'pidfd_open'), 'LD_PRELOAD' in os.environ, [x for x in os.environ if 'CONFINED' in x]]))"
    name, flavour, platform, *seen = played(machine, code)
    assert (name, flavour) == ("native", machine.flavour) and platform.startswith(machine.flavour)
    assert seen == [False, False, False, []]


def test_it_is_handed_on(machine: Machine) -> None:
    """A shell and what it starts are confined, too, and cannot see how; so are programs that Python spawns."""
    code = """
import subprocess
script = "sh -c 'ls /proc; env | grep -c -e CONFINED -e LD_PRELOAD'"
told = [subprocess.run(["sh", "-c", script], capture_output=True, env=env) for env in (None, {})]
print(json.dumps([(each.stdout.decode().strip(), b"No such file" in each.stderr) for each in told]
                 + [os.system("test -e /proc"), os.spawnv(os.P_WAIT, "/bin/sh", ["sh", "-c", "test -e /proc"])]))
"""
    assert played(machine, code) == [["0", True], ["0", True], 256, 1]


def test_no_signal_leaves_a_domain(machine: Machine) -> None:
    """DS-1 to DS-4: an owner and its members signal inside and below, root included; SIGCONT within the session."""
    code = """
def owner():
    outside = os.getppid()
    pydfly.reaper.acquire()
    inside = in_child(lambda: [kills(os.getppid()), kills(outside), kills(outside, signal.SIGCONT)])
    os.setsid()
    return [kills(os.getpid()), kills(outside), kills(outside, signal.SIGCONT)] + inside
os.setpgid(0, 0)
print(json.dumps([in_child(owner), kills(os.getppid())]))
"""
    inside, outside = played(machine, code)
    refused = "PermissionError" if machine.flavour == "dragonfly" else "sent"
    assert inside == ["sent", refused, refused, "sent", refused, "sent"]
    assert outside == "sent"


def test_a_group_is_signalled_as_far_as_allowed(dragonfly: Machine) -> None:
    """Members that may not be signalled are skipped; ESRCH if that is all of them; the owner is spared by a group."""
    code = """
def owner():
    pydfly.reaper.acquire()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, kills(os.getpgrp(), signal.SIGTERM, os.killpg).encode())
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    return [os.waitstatus_to_exitcode(status), kills(os.getpgrp(), 0, os.killpg), kills(os.getppid(), 0)]
os.setpgid(0, 0)
print(json.dumps(in_child(owner)))
"""
    assert played(dragonfly, code) == [-15, "sent", "PermissionError"]


ZOMBIES = """
signal.signal(signal.SIGCHLD, lambda *_: None)  # else it is ignored, and not waited for
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
pydfly.reaper.acquire()
middle = os.fork()
if middle == 0:
    pids = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    os._exit(0)
heard = []
while (info := signal.sigtimedwait({signal.SIGCHLD}, 1.0)) is not None:
    heard.append(info.si_pid == middle)
    if heard[-1]:
        os.waitpid(middle, 0)
left = 0
try:
    while os.waitpid(-1, os.WNOHANG)[0]:
        left += 1
except ChildProcessError:
    pass
print(json.dumps([any(heard), len(heard), left]))
"""


def test_adopted_zombies_are_not_announced(dragonfly: Machine) -> None:
    """LC-4: only the death of the child itself is told; the zombies that it leaves are there to be waited for."""
    told, signals, left = played(dragonfly, ZOMBIES)
    assert (signals, left) == (1, 3 if told else 4)


def test_adopted_zombies_are_announced(freebsd: Machine) -> None:
    """LC-5: FreeBSD sends SIGCHLD for them."""
    _, signals, left = played(freebsd, ZOMBIES)
    assert signals >= 1 and left >= 3


def test_children_of_another_kind(machine: Machine) -> None:
    """A plain wait passes over a child whose exit signal is not SIGCHLD; WLINUXCLONE shows such children only."""
    code = """
from pydfly.backends import waiting
pydfly.reaper.acquire()
pid = ctypes.CDLL(None).rfork(1 << 4 | 1 << 6 | 1 << 19)
if pid == 0:
    os._exit(9)
def waits(options):
    try:
        return os.waitpid(-1, options)[0] == pid
    except ChildProcessError:
        return "ECHILD"
plain = waits(0)
waiting.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
found = waiting.waitpid(-1, os.WNOHANG)
print(json.dumps([plain, found == (pid, 9 << 8), waits(waiting.LINUX_CLONE | os.WNOHANG)]))
"""
    assert played(machine, code) == ["ECHILD", True, "ECHILD"]


def test_descriptors_need_the_padding(machine: Machine) -> None:
    """Socket.recv_fds gives CMSG_LEN bytes: the descriptor is closed, and MSG_CTRUNC says so."""
    code = """
ours, theirs = socket.socketpair()
answers = []
for room in (socket.CMSG_LEN(4), socket.CMSG_SPACE(4)):
    socket.send_fds(ours, [b"x"], [1])
    _, ancillary, flags, _ = theirs.recvmsg(1, room)
    answers += [len(ancillary), bool(flags & socket.MSG_CTRUNC)]
print(json.dumps(answers))
"""
    assert played(machine, code) == [0, True, 1, False]


def test_a_debugger_is_kept_away(freebsd: Machine) -> None:
    """PROC_TRACE_CTL with DISABLE, until an exec."""
    code = """
from pydfly.backends import bsd_helper_calls
attach = lambda pid: ctypes.CDLL(None, use_errno=True).ptrace(16, pid, 0, 0)
victim = os.fork()
if victim == 0:
    signal.pause()
before = in_child(lambda: attach(victim))
os.kill(victim, signal.SIGKILL)
os.waitpid(victim, 0)
bsd_helper_calls.refuse_debuggers()
print(json.dumps([before, in_child(lambda: attach(os.getppid()))]))
"""
    assert played(freebsd, code) == [0, -1]


def test_what_it_counts(machine: Machine) -> None:
    """Wake-ups, closes of numbers that are not open, refused signals."""
    code = """
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
for _ in range(5):
    signal.sigtimedwait({signal.SIGUSR1}, 0)
os.closerange(500, 520)
print(json.dumps([os.getpid(), os.sysconf("SC_OPEN_MAX")]))
"""
    pid, most = played(machine, code)
    assert most == 64832 or machine.flavour == "freebsd"
    entry = machine.entry(pid)
    assert (entry.wakeups, entry.bad_closes, entry.refused) == (5, 20, 0)


def test_what_a_socket_tells(machine: Machine) -> None:
    """DragonFly: one without a name has no family, and poll looks at none that it is not asked about."""
    code = """
import select
ours, theirs = socket.socketpair()
copy = socket.socket(fileno=os.dup(ours.fileno()))
theirs.close()
look = select.poll()
look.register(ours.fileno(), 0)
print(json.dumps([copy.family == socket.AF_UNIX, bool(look.poll(0))]))
"""
    assert played(machine, code) == [machine.flavour == "freebsd"] * 2
