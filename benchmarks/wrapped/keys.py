"""At a terminal: Ctrl-C, Ctrl-Z, the loss of the line, and what the terminal is like afterwards."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..terminal import Terminal
from ..wrappers import Row
from . import ending

PROMPT = "PROMPT> "


@contextmanager
def at_a_shell() -> Iterator[Terminal]:
    """An interactive shell."""
    shell = Terminal(
        ["bash", "--norc", "--noprofile", "--noediting", "-i"], {**os.environ, "PS1": PROMPT, "TERM": "vt100"}
    )
    try:
        shell.expect(PROMPT)
        yield shell
    finally:
        shell.close()


@contextmanager
def alone(words: list[str]) -> Iterator[Terminal]:
    """A command whose session the terminal is."""
    terminal = Terminal(words, {**os.environ, "TERM": "dumb"})
    try:
        yield terminal
    finally:
        terminal.close()


def repl(words: list[str]) -> str:
    """Press Ctrl-C in a program that goes on: twice at its prompt."""
    with at_a_shell() as shell:
        shell.type(shlex.join([*words, sys.executable, "-q", "-i", "-c", "number = 41"]) + "\n")
        shell.expect(">>> ")
        for _ in range(2):
            for _ in range(5):  # Python itself overlooks one now and then that comes just when it begins to read
                shell.type("\x03")
                if shell.expect("KeyboardInterrupt", 2):
                    break
            shell.expect(">>> ", 2)
        shell.type("print('still', 'here', number + 1)\n")
        return "lives" if shell.expect("still here 42", 10) else "gone"


def ignored(words: list[str]) -> str:
    """Press Ctrl-C where it is ignored on purpose: nothing may end of it."""
    inner = "echo ready; read line; echo done"
    command = f"trap '' INT; {shlex.join([*words, 'sh', '-c', inner])}; echo status $?"
    with alone(["bash", "-c", command]) as terminal:
        terminal.expect("ready")
        for _ in range(2):
            terminal.type("\x03")
            time.sleep(0.1)
        terminal.type("\n")
        return "done, status 0" if terminal.expect("done", 10) and terminal.expect("status 0", 10) else "ended"


def loop(words: list[str]) -> str:
    """Press Ctrl-C in the first round of a shell's loop: that ends, too."""
    went_on = []
    for shell in ("bash", "dash"):
        if not shutil.which(shell):
            continue
        command = f"for i in 1 2 3; do echo round $i; {shlex.join([*words, 'sleep', '1.5'])}; done; echo over"
        with alone([shell, "-c", command]) as terminal:
            terminal.expect("round 1")
            time.sleep(0.4)  # until the wrapper has started, and its command
            terminal.type("\x03")
            terminal.wait(8)
            if "round 2" in terminal.shown:
                went_on.append(shell)
    return f"goes on in {', '.join(went_on)}" if went_on else "stops"


def hang_up(words: list[str]) -> str:
    """Lose the line under nohup: the command lives on."""
    with tempfile.TemporaryDirectory() as folder:
        gate, sign = Path(folder) / "gate", Path(folder) / "sign"
        os.mkfifo(gate)
        inner = f"echo ready >{sign}.begun; read line <{gate}; echo lives >{sign}"
        command = f"nohup {shlex.join([*words, 'sh', '-c', inner])} >/dev/null 2>&1; echo over"
        terminal = Terminal(["bash", "-c", command])
        try:
            _until(Path(f"{sign}.begun").exists)
            terminal.hang_up()
            time.sleep(0.3)  # what is going to end of it has ended then
            try:
                descriptor = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # no process waits there
                return "ended"
            os.write(descriptor, b"\n")
            os.close(descriptor)
            return "lives on" if _until(sign.exists, 10) else "ended"
        finally:
            terminal.close()


def modes(words: list[str]) -> str:
    """Kill a program that has put the terminal into its own modes."""
    inner = "stty raw -echo; kill -KILL $$"
    command = (
        f"before=$(stty -g); {shlex.join([*words, 'sh', '-c', inner])}; [ $before = $(stty -g) ] && echo as before"
    )
    with alone(["sh", "-c", command]) as terminal:
        terminal.wait(8)
        return "as before" if "as before" in terminal.shown else "left as they are"


def stop(words: list[str]) -> str:
    """Press Ctrl-Z, go on in the foreground, and read from the terminal."""
    with at_a_shell() as shell:
        shell.type(shlex.join([*words, "sh", "-c", "echo rea''dy; read word; echo got=$word; exit 5"]) + "\n")
        shell.expect("ready")
        shell.type("\x1a")
        if not shell.expect("Stopped", 10) or not shell.expect(PROMPT, 10):
            return "does not stop"
        shell.type("fg\n")
        shell.expect("rea")  # the shell shows the command
        shell.type("hello\n")
        return _read_and_ended(shell)


def background(words: list[str]) -> str:
    """Begin in the background, and be fetched by fg when input is wanted."""
    with at_a_shell() as shell:
        shell.type(shlex.join([*words, "sh", "-c", "echo rea''dy; read word; echo got=$word; exit 5"]) + " &\n")
        shell.expect("ready")
        shell.type("until jobs | grep -q Stopped; do sleep 0.05; done; echo stop''ped\n")
        if not shell.expect("stopped", 10):
            shell.type("\x03")
            return "does not stop"
        shell.type("fg\n")
        shell.expect("rea")
        shell.type("hello\n")
        return _read_and_ended(shell)


def pager(words: list[str]) -> str:
    """Be the first of a pipe to a program that reads keys."""
    with at_a_shell() as shell:
        shell.type(f"{shlex.join([*words, 'seq', '500'])} | less -X -d\n")
        if not shell.expect("10", 10):
            return "shows nothing"
        shell.type("q")
        if not shell.expect(PROMPT, 10):
            return "reads no key"
        return "works"


def nested(words: list[str]) -> str:
    """Run an interactive shell, which does job control of its own, and kill it."""
    with at_a_shell() as shell:
        shell.type(f"PS1=IN''NER {shlex.join([*words, 'bash', '--norc', '--noprofile', '--noediting', '-i'])}\n")
        if not shell.expect("INNER", 5):
            return "does not start"
        shell.type("sleep 60\n")
        for _ in range(5):  # bash's child does not stop before its exec
            time.sleep(0.3)
            shell.type("\x1a")
            if shell.expect("Stopped", 2):
                break
        else:
            return "no job control"
        shell.type("kill -KILL $$\n")
        if not shell.expect(PROMPT, 5):
            return "the terminal is lost"
        shell.type("echo ba''ck\n")
        return "works" if shell.expect("back", 10) else "the terminal is lost"


def quit_key(words: list[str]) -> str:
    """Press Ctrl-Backslash."""
    with alone([*words, "sh", "-c", "ulimit -c 0; echo ready; sleep 20"]) as terminal:
        terminal.expect("ready")
        terminal.type("\x1c")
        return ending(terminal.wait(5))


def _read_and_ended(shell: Terminal) -> str:
    if not shell.expect("got=hello", 10):
        return "cannot read"
    shell.expect(PROMPT, 5)
    shell.type("echo status''=$?\n")
    return "reads, status 5" if shell.expect("status=5", 10) else "reads, another status"


def _until(condition: Callable[[], bool], timeout: float = 10.0) -> bool:
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def rows() -> list[Row]:
    """Return the rows of this topic."""
    lacking = "" if shutil.which("bash") else "needs bash"
    return [
        Row("Ctrl-C twice in an interactive Python", "lives", repl, lacking),
        Row("Ctrl-C with SIGINT ignored", "done, status 0", ignored, lacking),
        Row("Ctrl-C in a shell's loop", "stops", loop, lacking),
        Row("Ctrl-Backslash", f"ended by {signal.SIGQUIT.name}", quit_key),
        Row("Ctrl-Z, fg, input", "reads, status 5", stop, lacking),
        Row("`&`, fg, input", "reads, status 5", background, lacking),
        Row("a pipe to less", "works", pager, lacking or ("" if shutil.which("less") else "needs less")),
        Row("an interactive shell inside, killed", "works", nested, lacking),
        Row("hang-up under nohup", "lives on", hang_up, lacking),
        Row("the terminal's modes when the command was killed", "as before", modes),
    ]
