"""``pydfly run`` and signals: which processes they reach, how often, what they end; see also the table of wrappers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.terminal import Terminal
from benchmarks.wrapped import conversation
from benchmarks.wrapped.signals import COUNT
from pydfly.supervisor.keepers.mailbox import TELLS_SENDER
from tests.conftest import live_only
from tests.live import onlooker
from tests.live.test_run import ENVIRONMENT, RUN, run
from tests.processes import eventually

pytestmark = live_only
TRAP = "trap 'echo {0}' {0}; "
# SIGIO tells the helpers of messages, except on Linux; DragonFly hides the sender of SIGPIPE, and has no SIGRTMAX
MORE = [signal.SIGWINCH, signal.SIGQUIT]
MORE += [signal.SIGPIPE, signal.SIGRTMAX] if TELLS_SENDER else []
MORE += [signal.SIGIO] if sys.platform == "linux" else []
LOOP = "echo ready; while :; do sleep 0.05; done"


def python(code: str) -> list[str]:
    return [sys.executable, "-u", "-S", "-c", code]


@pytest.fixture
def shell() -> Iterator[Terminal]:
    """An interactive shell; `run` in it is `pydfly run`."""
    if not shutil.which("bash"):
        pytest.skip("needs a shell with job control")
    environment = {**ENVIRONMENT, "PS1": "PROMPT> ", "TERM": "dumb"}
    terminal = Terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"], environment)
    terminal.expect("PROMPT> ")
    terminal.type(f'run() {{ {" ".join(RUN)} "$@"; }}\n')
    terminal.expect("PROMPT> ")
    yield terminal
    terminal.close()


def is_stopped(group: int) -> bool:
    """Say whether all of a process group is stopped but the deputy, which never is."""
    states = [seen.state for pid, seen in onlooker.below(os.getpid()).items() if group_of(pid) == group]
    return [state == "T" for state in states].count(False) == 1


def group_of(pid: int) -> int:
    """Return the process group of a process; 0 for one that has ended."""
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def test_the_group_of_a_foreground_job_is_signalled_once() -> None:
    """The command is in the group, so it has the signal already; one to pydfly alone is passed on."""
    terminal = Terminal([*RUN, *python(COUNT)], ENVIRONMENT)
    try:
        assert terminal.expect("ready ")
        sent = 0
        for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGHUP, *MORE):
            for kill in (os.killpg, os.kill):
                before = terminal.shown.count(f"<{int(number)}>")
                kill(terminal.pid, number)
                assert terminal.expect(f"<{int(number)}>")
                os.kill(terminal.pid, signal.SIGUSR2)  # passed on after everything that was sent before
                sent += 1
                assert terminal.expect(f"<{int(signal.SIGUSR2)}>")
                assert terminal.shown.count(f"<{int(number)}>") == before + 1, (number, kill)
        assert terminal.shown.count(f"<{int(signal.SIGUSR2)}>") == sent
    finally:
        terminal.close()


@pytest.mark.skipif(not hasattr(signal, "SIGRTMAX"), reason="DragonFly has no real-time signals")
def test_the_signal_that_the_helpers_use_themselves_is_not_lost() -> None:
    """By the last real-time signal they hear of messages; one that a process sent must not hide such a report."""
    terminal = Terminal([*RUN, *python(COUNT)], ENVIRONMENT)
    try:
        assert terminal.expect("ready ")
        for turn in range(30):
            for kill in (os.killpg, os.kill):
                kill(terminal.pid, signal.SIGRTMAX)
                assert terminal.expect(f"<{int(signal.SIGRTMAX)}>"), (turn, kill)
                os.kill(terminal.pid, signal.SIGUSR2)
                assert terminal.expect(f"<{int(signal.SIGUSR2)}>"), (turn, kill)
    finally:
        terminal.close()


@pytest.mark.parametrize(("option", "told"), [([], "TERM"), (["--stop-signal", "INT"], "INT")])
def test_the_stop_signal(option: list[str], told: str) -> None:
    script = f"trap 'echo told {told}; exit 4' {told}; {LOOP}"
    with conversation([*RUN, *option, "--", "sh", "-c", script], env=ENVIRONMENT) as talk:
        assert talk.hear("ready\n")
        talk.process.terminate()
        assert talk.hear(f"told {told}\n")
        assert talk.end() == 4


@pytest.mark.parametrize(("mode", "status"), [("mixed", 0), ("everyone", 143)])
def test_kill_modes(mode: str, status: int) -> None:
    """The child gets the stop signal at once, or only when its parent has ended."""
    asked = "trap - TERM; echo asked; wait $child; exit $?"  # in the trap: it may come before the wait
    script = f"sh -c 'read line; exit 0' & child=$!; trap '{asked}' TERM; echo ready; wait"
    words = [*RUN, "--kill-mode", mode, "--", "sh", "-c", f"exec 3<&0; {script.replace('read line', 'read line <&3')}"]
    with conversation(words, env=ENVIRONMENT, stdin=subprocess.PIPE) as talk:
        assert talk.hear("ready\n")
        talk.process.terminate()
        assert talk.hear("asked\n")
        if mode == "mixed":
            talk.say("\n")
        assert talk.end() == status


def test_a_second_term_is_passed_on_and_kills_none() -> None:
    script = f"count=0; trap 'count=$((count + 1)); echo term $count; [ $count = 3 ] && exit 5' TERM; {LOOP}"
    with conversation([*RUN, "--grace", "60", "--", "sh", "-c", script], env=ENVIRONMENT) as talk:
        assert talk.hear("ready\n")
        for number in (1, 2, 3):
            talk.process.terminate()
            assert talk.hear(f"term {number}\n")
        assert talk.end() == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_when_the_command_is_gone_it_cuts_the_grace_short(number: int) -> None:
    """A daemon that is deaf is waited for, until a second signal comes."""
    script = f"(trap '' TERM INT; {LOOP}) & sleep 0.2; exit 6"
    with conversation([*RUN, "--grace", "600", "--", "sh", "-c", script], env=ENVIRONMENT) as talk:
        assert talk.hear("ready\n")

        # until the command has been collected the signal is passed on to it, if it is still there
        def ended() -> bool:
            talk.process.send_signal(number)
            return talk.end(0.2) is not None

        eventually(ended, timeout=200)
        assert talk.process.returncode in (6, -number)


def test_an_ignored_signal_is_none_of_its_business() -> None:
    """Neither passed on nor a reason to end, TERM included."""
    ignored = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

    def ignore() -> None:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)

    code = COUNT.replace("signal.SIGCHLD}", "signal.SIGCHLD} - {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}")
    with conversation([*RUN, "--", *python(code)], env=ENVIRONMENT, preexec_fn=ignore) as talk:
        assert talk.hear("ready ")
        for number in ignored:
            talk.process.send_signal(number)
        talk.process.send_signal(signal.SIGUSR2)
        assert talk.hear(f"<{int(signal.SIGUSR2)}>")
        assert talk.heard == ""
        assert talk.process.poll() is None
        talk.process.send_signal(signal.SIGHUP)
        assert talk.hear(f"<{int(signal.SIGHUP)}>")
        talk.process.kill()


def test_the_end_by_a_signal_leaves_no_core() -> None:
    pid = os.posix_spawn(
        sys.executable, [sys.executable, "-m", "pydfly", "run", "--", "sh", "-c", "kill -SEGV $$"], ENVIRONMENT
    )
    status = os.waitpid(pid, 0)[1]
    assert (os.WTERMSIG(status), os.WCOREDUMP(status)) == (signal.SIGSEGV, False)


def test_a_time_out_is_124_however_the_command_ends() -> None:
    assert run("--timeout", "0.3s", "--", "sleep", "60").returncode == 124
    assert run("--timeout", "0", "--", "sh", "-c", "exit 3").returncode == 3


@pytest.mark.skipif(
    sys.platform.startswith("dragonfly"), reason="DS-4: pydfly may not stop the shell that shares its process group"
)
def test_a_background_job_gets_the_terminal_when_it_asks(shell: Terminal) -> None:
    """fg gives it to pydfly, which lends it on; Ctrl-Z stops both, and fg brings both back."""
    script = "read one; echo got=$one; read two; echo got=$two; exit 7"
    shell.type(f"run sh -c '{script}' &\n")
    shell.expect("PROMPT> ")
    shell.type("until jobs | grep -q Stopped; do sleep 0.05; done; echo stop''ped\n")
    assert shell.expect("stopped")
    shell.type("fg\n")
    shell.type("first\n")
    assert shell.expect("got=first")
    shell.type("\x1a")
    assert shell.expect("Stopped")
    assert shell.expect("PROMPT> ")
    shell.type("fg\n")
    shell.type("second\n")
    assert shell.expect("got=second")
    assert shell.expect("PROMPT> ")
    shell.type("echo status''=$?\n")
    assert shell.expect("status=7")


def test_keys_reach_a_job_that_was_fetched_from_the_background(shell: Terminal) -> None:
    """It never asked for the terminal, so pydfly has it, and passes on what it sends."""
    shell.type("run sh -c 'echo rea''dy; exec sleep 60' &\n")
    assert shell.expect("ready")
    shell.type("fg\n")
    assert shell.expect("exec sleep 60'")
    eventually(lambda: os.tcgetpgrp(shell.descriptor) != shell.pid)
    group = os.tcgetpgrp(shell.descriptor)
    shell.type("\x1a")
    assert shell.expect("Stopped")
    # the shell sees its own child stop, which is the function; a person who types fg gives pydfly time to follow
    eventually(lambda: is_stopped(group))
    shell.type("fg\n")
    eventually(lambda: os.tcgetpgrp(shell.descriptor) != shell.pid)
    shell.type("\x03")
    assert shell.expect("PROMPT> ")
    shell.type("echo status''=$?\n")
    assert shell.expect("status=130")


def test_who_is_waited_for_is_said_during_a_long_grace() -> None:
    """On a terminal only; here more often than in real life."""
    code = (
        "import sys; from pydfly.supervisor.foreground import announcements; announcements.EVERY = 0.2; "
        "from pydfly.cli import main; sys.exit(main())"
    )
    script = f"sh -c 'trap \"\" TERM; {LOOP}' & sleep 0.2; exit 0"
    words = [sys.executable, "-c", code, "run", "--grace", "300", "--", "sh", "-c", script]
    terminal = Terminal(words, ENVIRONMENT)
    try:
        assert terminal.expect("ready")
        assert terminal.expect("pydfly: run: still waiting for sh (")
        assert terminal.expect("; SIGKILL in 29")
        assert terminal.expect("pydfly: run: still waiting for sh (")
        os.kill(terminal.pid, signal.SIGINT)
        assert terminal.wait() == 0
    finally:
        terminal.close()


@pytest.mark.parametrize("helper", ["guard.gc.freeze", "deputy.Deputy._start", "fork_exec.Child.make_room"])
@pytest.mark.parametrize("sent", ["key", "group"])
def test_a_signal_that_came_before_the_command_was_there(helper: str, sent: str) -> None:
    """It went to the group that the command is in, but the command was forked after that: it must not be lost."""
    module, kind, function = helper.split(".")
    code = f"""
import os, signal, sys, time
from pydfly.supervisor.keepers import deputy, fork_exec, guard
from pydfly.cli import main
proceed = {module}.{kind}.{function}
def wait(*arguments):
    os.write(1, b"before ")
    while signal.SIGQUIT not in signal.sigpending():
        time.sleep(0.005)
    return proceed(*arguments)
{module}.{kind}.{function} = wait
sys.exit(main())
"""
    words = [sys.executable, "-c", code, "run", "--", "sh", "-c", f"trap 'exit 4' QUIT; {LOOP}"]
    terminal = Terminal(words, ENVIRONMENT)
    try:
        assert terminal.expect("before ")
        if sent == "key":
            terminal.type("\x1c")
        else:
            os.killpg(terminal.pid, signal.SIGQUIT)
        assert terminal.wait() in (4, -signal.SIGQUIT)
    finally:
        terminal.close()


def test_a_terminal_that_hangs_up_on_its_leader() -> None:
    """The kernel tells the leader of the session alone, so the command hears of it from pydfly."""
    terminal = Terminal([*RUN, "sh", "-c", "setsid sleep 60 & echo pid=$!.; exec sleep 60"], ENVIRONMENT)
    try:
        assert terminal.expect("pid=") and terminal.expect(".")
        daemon = int(terminal.shown.split("pid=")[1].split(".")[0])
        terminal.hang_up()
        terminal.status = os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1])
        assert terminal.status == -signal.SIGHUP
        with pytest.raises(ProcessLookupError):
            os.kill(daemon, 0)
    finally:
        terminal.close()
