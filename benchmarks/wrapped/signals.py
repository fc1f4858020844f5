"""Signals that come without a terminal: to the wrapper, to its process group, at any time."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from ..wrappers import Row
from . import conversation, ending, python

DRAIN = """
import os, signal, sys, time
worker = os.fork()
if worker == 0:
    os.read(0, 1)  # the task in progress
    os.write(1, b'finished ')
    os._exit(0)
signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'asked '))
os.write(1, b'ready ')
_, status = os.waitpid(worker, 0)
sys.exit(1 if status else 0)
"""
COUNT = """
import contextlib, os, signal, time
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    with contextlib.suppress(OSError):  # the C library of a BSD keeps one for its threads
        signal.signal(number, lambda number, frame: os.write(1, b'<%d>' % number))
os.write(1, b'ready ')
end = time.monotonic() + 60
while time.monotonic() < end:
    time.sleep(1)
"""
CLEAN = """
import os, signal, time
def clean(*_):
    signal.signal(signal.SIGINT, lambda *_: os.write(1, b'again '))
    os.write(1, b'cleaning ')
    end = time.monotonic() + 10
    while not os.read(0, 1) and time.monotonic() < end:
        pass
    os.write(1, b'clean ')
    os._exit(0)
signal.signal(signal.SIGINT, clean)
os.write(1, b'ready ')
time.sleep(60)
"""
# those that the kernel sends to a program that has made a mistake end the wrapper, as they should
OTHERS = {
    signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGTERM,
    signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP, signal.SIGABRT, signal.SIGSYS,
}  # fmt: skip


def drain(words: list[str]) -> str:
    """Ask a master to end that lets its worker finish first."""
    with conversation([*words, *python(DRAIN)], stdin=subprocess.PIPE) as talk:
        talk.hear("ready ")
        talk.process.terminate()
        if not talk.hear("asked "):
            return f"not asked, {ending(talk.end(1))}"
        talk.say("x")
        finished = talk.hear("finished ", 5)
        return f"{'finished' if finished else 'killed'}, {ending(talk.end())}"


def group(words: list[str]) -> str:
    """Signal the wrapper's whole process group, as CI runners and task queues do."""
    with conversation([*words, *python(COUNT)]) as talk:
        talk.hear("ready ")
        counts: list[str] = []
        for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGHUP):
            try:
                os.killpg(talk.process.pid, number)
            except ProcessLookupError:
                return f"gone after {len(counts)} signals"
            talk.hear(f"<{int(number)}>", 5)
            os.killpg(talk.process.pid, signal.SIGUSR2)  # comes after all that were sent before
            talk.hear(f"<{int(signal.SIGUSR2)}>", 5)
            time.sleep(0.1)  # for one more, which must not come
            extra = talk.heard.count(f"<{int(number)}>")
            counts.append(str(1 + extra) if talk.process.poll() is None else "gone")
        return ", ".join(counts)


def every(words: list[str]) -> str:
    """Send every signal that a wrapper could pass on."""
    lost = []
    with conversation([*words, *python(COUNT)]) as talk:
        talk.hear("ready ")
        numbers = sorted(signal.valid_signals() - OTHERS)
        for number in numbers:
            talk.process.send_signal(number)
            if not talk.hear(f"<{int(number)}>", 3):
                lost.append(number)
            if number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
                talk.process.send_signal(signal.SIGCONT)  # where the wrapper itself has stopped
                talk.hear(f"<{int(signal.SIGCONT)}>", 0.5)
            if talk.process.poll() is not None:
                return f"{ending(talk.process.returncode)} after {len(numbers[: numbers.index(number)])}"
    return f"{len(lost)} lost" if lost else "all"


def twice(words: list[str]) -> str:
    """Interrupt twice while the command cleans up, as a program that wants to be sure does."""
    with conversation([*words, *python(CLEAN)], stdin=subprocess.PIPE) as talk:
        talk.hear("ready ")
        talk.process.send_signal(signal.SIGINT)
        if not talk.hear("cleaning "):
            return f"not told, {ending(talk.end(1))}"
        for _ in range(2):
            talk.process.send_signal(signal.SIGINT)
            talk.hear("again ", 5)
        talk.say("x")
        return f"{'clean' if talk.hear('clean ', 5) else 'killed'}, {ending(talk.end())}"


def early(words: list[str]) -> str:
    """Send SIGTERM at each of the first hundred milliseconds: nothing may live on, and nothing is said."""
    lost = noisy = 0
    for milliseconds in range(0, 100, 5):
        process = subprocess.Popen([*words, "sleep", "60"], stderr=subprocess.PIPE, start_new_session=True)
        time.sleep(milliseconds / 1000)
        process.terminate()
        try:
            _, said = process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            lost += 1
            os.killpg(process.pid, signal.SIGKILL)
            _, said = process.communicate()
        noisy += bool(said)
    return "ended each time" if not lost + noisy else f"{lost} lost, {noisy} with messages, of 20"


def by_signal(words: list[str]) -> str:
    """Let a signal end the command."""
    done = subprocess.run([*words, "sh", "-c", "kill -INT $$"], stderr=subprocess.DEVNULL, check=False)
    return ending(done.returncode)


def daemon(words: list[str]) -> str:
    """Leave a process in a session of its own behind."""
    code = "setsid sh -c 'echo there; exec sleep 30' & read line"
    with conversation([*words, "sh", "-c", code], stdin=subprocess.PIPE) as talk:
        talk.hear("there")
        talk.say("\n")
        talk.end()
        # the end of the pipe comes when no process holds it
        return "no process left" if talk.is_silent(1) else "lives on"


def rows() -> list[Row]:
    """Return the rows of this topic."""
    return [
        Row("SIGTERM for a master that drains its worker", "finished, status 0", drain),
        Row("INT, USR1, HUP to the process group: how often each comes", "1, 1, 1", group),
        Row("every signal that can be passed on", "all", every),
        Row("two more SIGINT while the command cleans up", "clean, status 0", twice),
        Row("SIGTERM in the first 100 ms", "ended each time", early),
        Row("SIGINT ends the command", "ended by SIGINT", by_signal),
        Row("a daemon that the command leaves", "no process left", daemon),
    ]
