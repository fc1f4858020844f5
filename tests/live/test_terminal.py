"""``pydfly run`` as a job of an interactive shell: Ctrl-C, Ctrl-Z, fg, the foreground."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from tests.conftest import live_only
from tests.live import onlooker
from tests.live.arena import ROOT
from tests.processes import eventually

pytestmark = [live_only, pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")]
RUN = f"{sys.executable} -m pydfly run"
PROMPT = "PROMPT> "


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self) -> None:
        self.unread = ""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1=PROMPT, PYTHONPATH=ROOT, TERM="dumb")
            os.environ.pop("PYDFLY_BACKEND", None)
            os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
        self.expect(PROMPT)

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def expect(self, wanted: str) -> str:
        """Read until the text has come, and return all up to its end; the rest is for the next."""
        end = time.monotonic() + 60
        while wanted not in self.unread:
            ready, _, _ = select.select([self.descriptor], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{wanted!r} did not come, only {self.unread!r}"
            self.unread += os.read(self.descriptor, 4096).decode(errors="replace")
        before, _, self.unread = self.unread.partition(wanted)
        return before + wanted

    def status(self) -> int:
        """Return $? of the last command, once it is over."""
        self.expect(PROMPT)
        self.type("echo status''=$?=\n")
        self.expect("status=")
        return int(self.expect("=")[:-1])

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    shell = Terminal()
    yield shell
    shell.close()


def test_interrupt(terminal: Terminal) -> None:
    """Ctrl-C ends the command, once: the terminal sends it to all in the foreground, and no process sends it again."""
    code = "import signal, time; signal.signal(2, lambda *a: print('caught')); print('ready'); "
    loop = "[time.sleep(0.1) for _ in range(8)]; print('over')"
    terminal.type(f'{RUN} -- {sys.executable} -u -c "{code}{loop}"\n')
    terminal.expect("ready\r\n")
    terminal.type("\x03")
    seen = terminal.expect("over\r\n")
    assert seen.count("caught") == 1
    assert terminal.status() == 0
    terminal.type(f"{RUN} -- sh -c 'echo rea''dy; exec sleep 60'\n")
    terminal.expect("ready\r\n")
    terminal.type("\x03")
    assert terminal.status() == 130


def test_stop_and_continue(terminal: Terminal) -> None:
    """Ctrl-Z gives the shell the terminal, fg gives it back, and the command reads on from it."""
    terminal.type(f"{RUN} -- sh -c 'echo rea''dy; read word; echo got=$word; exit 5'\n")
    terminal.expect("ready\r\n")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect(PROMPT)
    terminal.type("fg\n")
    terminal.expect("pydfly run")
    terminal.type("hello\n")
    terminal.expect("got=hello\r\n")
    assert terminal.status() == 5


def test_a_program_that_stops_itself(terminal: Terminal) -> None:
    """As top(1) does: at SIGTSTP it tidies up the screen, and then it stops by SIGSTOP."""
    code = (
        "import os, select, signal; stop = lambda: os.kill(os.getpid(), signal.SIGSTOP); "
        "signal.signal(signal.SIGTSTP, lambda *_: (print('tidy'), stop(), print('again'))); print('rea' + 'dy')\n"
        "while not select.select([0], [], [], 0.05)[0]: pass\n"  # a signal just before a read would wait for its end
        "print('got', input())"
    )
    terminal.type(f'{RUN} -- {sys.executable} -u -c "{code}"\n')
    terminal.expect("ready\r\n")
    terminal.type("\x1a")
    terminal.expect("tidy\r\n")
    terminal.expect("Stopped")
    terminal.expect(PROMPT)
    terminal.type("fg\n")
    terminal.expect("again\r\n")
    terminal.type("it\n")
    terminal.expect("got it\r\n")
    assert terminal.status() == 0


def test_quit(terminal: Terminal) -> None:
    terminal.type(f"ulimit -c 0; {RUN} -- sh -c 'echo rea''dy; exec sleep 60'\n")
    terminal.expect("ready\r\n")
    terminal.type("\x1c")
    assert terminal.status() == 131


@pytest.mark.parametrize("key", ["\x03", "\x1c"])
def test_daemons_that_are_waited_for(terminal: Terminal, key: str) -> None:
    """Ctrl-Z gives the shell the terminal and they go on; Ctrl-C ends them, one of them by the grace's end."""
    mark = 100_000 + os.getpid()  # no other test's sleep
    sleep = f"sleep {mark}"
    wait = "while kill -0 $0 2>&-; do sleep 0.01; done"  # for the end of the command
    deaf = f"trap \"\" TERM INT QUIT; {wait}; echo rea''dy; while :; do sleep 0.1; done"
    daemons = f"setsid -f {sleep}; setsid -f sh -c '\\''{deaf}'\\'' $$"
    terminal.type(f"{RUN} --wait-all --grace 0.5 -- sh -c '{daemons}'\n")
    terminal.expect("ready\r\n")
    eventually(lambda: len(onlooker.with_command(sleep)) == 1)  # until its setsid(2) it is in the group of the job
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect(PROMPT)
    assert len(onlooker.with_command(sleep)) == 1
    terminal.type("fg\n")
    terminal.expect("pydfly run")
    eventually(lambda: os.tcgetpgrp(terminal.descriptor) != terminal.pid)  # the shell says what it will continue first
    terminal.type(key)
    assert terminal.status() == 0
    assert onlooker.with_command(sleep) == []


def test_in_the_background_and_then_in_the_foreground(terminal: Terminal) -> None:
    terminal.type(f"{RUN} -- sh -c 'echo rea''dy; read word; echo got=$word; exit 5' &\n")
    terminal.expect("ready\r\n")
    terminal.type("while ! jobs | grep -q Stopped; do sleep 0.05; done; fg\n")  # it asks for input, and is stopped
    terminal.expect("pydfly run")
    terminal.type("hello\n")
    terminal.expect("got=hello\r\n")
    assert terminal.status() == 5


def test_a_shell_with_job_control_inside(terminal: Terminal) -> None:
    """It takes the terminal for its own groups; when it is killed the outer shell has it again."""
    terminal.type(f"PS1=IN''NER {RUN} -- bash --norc --noprofile --noediting -i\n")
    terminal.expect("INNER")
    sleep = f"sleep {200_000 + os.getpid()}"  # no other test's
    terminal.type(f"{sleep}\n")
    eventually(lambda: onlooker.with_command(sleep), timeout=200)  # bash's child does not stop before its exec
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.type("kill -KILL $$\n")
    assert terminal.status() == 137


def test_the_foreground_is_taken_back_from_the_dead() -> None:
    """Without a shell that would do it: the process group that had the terminal last is gone."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.environ.update(PYTHONPATH=ROOT)
        code = "import os, signal; os.setpgid(0, 0); signal.signal(22, signal.SIG_IGN); os.tcsetpgrp(0, os.getpgrp())"
        words = [sys.executable, "-m", "pydfly", "run", "--", sys.executable, "-c", code]
        assert os.spawnv(os.P_WAIT, sys.executable, words) == 0
        os.write(1, b"mine" if os.tcgetpgrp(0) == os.getpgrp() else b"lost")
        os._exit(0)
    answer = os.read(descriptor, 4096)
    os.waitpid(pid, 0)
    os.close(descriptor)
    assert answer == b"mine"
