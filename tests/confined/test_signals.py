"""What the BSDs do with a signal that is waited for, and what the helpers can know of it: see machine.c."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from .machine import Machine
from .test_machine import played

WAITS = """
def waits(number, caught):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)  # its parent is in the session still, so that it can be stopped
        signal.pthread_sigmask(signal.SIG_BLOCK, {number, signal.SIGUSR1})
        if caught:
            signal.signal(number, lambda *_: None)
        os.kill(os.getpid(), number)
        info = signal.sigtimedwait({number, signal.SIGUSR1}, 2 if caught else 0.2)
        os._exit(1 if info is None else 2 if info.si_signo == number else 3)
    status = os.waitpid(pid, os.WUNTRACED)[1]
    if os.WIFSTOPPED(status):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return "stopped"
    return {1: "nothing came", 2: "told"}.get(os.waitstatus_to_exitcode(status))
"""


def test_a_signal_that_is_waited_for_takes_its_default_action(machine: Machine) -> None:
    """It stops the process, or is ignored; one with a handler is told."""
    code = "print(json.dumps([waits(number, caught) for caught in (False, True)"
    code += " for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGWINCH, signal.SIGTERM)]))"
    default = ["stopped", "stopped", "nothing came", "told"]
    assert played(machine, WAITS + code) == [*default, *["told"] * 4]


def test_who_has_sent_a_signal(machine: Machine) -> None:
    """DragonFly tells no more than its number."""
    code = """
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
os.kill(os.getpid(), signal.SIGUSR1)
info = signal.sigtimedwait({signal.SIGUSR1}, 2)
print(json.dumps([info.si_signo == signal.SIGUSR1, info.si_pid == os.getpid(), bool(info.si_pid)]))
"""
    is_told = machine.flavour == "freebsd"
    assert played(machine, code) == [True, is_told, is_told]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("test_terminal.py", "stop_and_continue or stops_itself or waited_for or quit"),
        ("test_run_signals.py", "signalled_once or fetched_from_the_background or before_the_command"),
    ],
)
def test_job_control(machine: Machine, file: str, names: str) -> None:
    """Ctrl-C, Ctrl-Z and fg do what they do on Linux, and a signal to the group comes once."""
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"tests/live/{file}", "-k", names]
    done = machine.run(*words, timeout=500)
    assert done.returncode == 0, done.stdout[-6000:]


def test_a_key_that_only_the_bsds_have() -> None:
    """Ctrl-T is SIGINFO, which is ignored by default: it is passed on all the same, and once."""
    code = """
import _signal
_signal.SIGINFO = _signal.SIGPWR  # a number that Linux does not ignore by itself
from pydfly.supervisor.foreground import terminal
from pydfly.supervisor.keepers import mailbox
box = mailbox.Mailbox()
assert _signal.getsignal(_signal.SIGINFO) not in (_signal.SIG_DFL, _signal.SIG_IGN)
box.restore()
assert _signal.getsignal(_signal.SIGINFO) == _signal.SIG_DFL
assert _signal.SIGINFO in terminal.KEYS
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root takes precedence")
def test_precedence_is_not_inherited(machine: Machine) -> None:
    """A deputy that has ended what a killed warden left starts other commands later, like any deputy."""
    code = """
import subprocess
from tests.live import onlooker
def scheduler(supervisor):
    command = [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]
    with supervisor.supervise(command, stdout=subprocess.PIPE) as domain:
        return int(domain.stdout.read())
with pydfly.Supervisor(grace=0.1) as supervisor:
    before = scheduler(supervisor)
    left = supervisor.supervise(["sh", "-c", "trap '' TERM; sleep 60 & wait"])
    os.kill(onlooker.look(left.wait_started()).ppid, signal.SIGKILL)
    try:
        left.wait(60)
    except pydfly.SupervisionError:
        print(json.dumps([before, scheduler(supervisor)]))
"""
    assert played(machine, code) == [os.SCHED_OTHER] * 2
