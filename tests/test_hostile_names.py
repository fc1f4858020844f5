"""A walk through every place where a person reads a text that others chose: none of them acts on a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pydfly
from pydfly import resident
from pydfly.cli import run as cli_run
from pydfly.cli import summary
from pydfly.pytest_plugin import leaks
from pydfly.pytest_plugin.births import Origin
from pydfly.structs import DescendantInfo, Survivor
from tests.conftest import linux_only
from tests.elves import elf
from tests.processes import eventually

pytestmark = linux_only

HOSTILE = "h\x1b[2J\x07\rfake\nfake\x9b\u202e\u2028\x7f\udcff"
"""A name of a file; what the kernel keeps of it as the name of a process ends in the second word."""
SHOWN = r"h\x1b[2J\x07\rfake\nfak"
LEAVES = '"$0" 60 & until grep -qa ^h /proc/$!/comm; do :; done'
"""A shell's program that starts another one and waits until that has its own name."""
ROOT = str(Path(pydfly.__file__).parents[1])


class Stage:
    """A directory whose files and processes have hostile names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.program = folder / HOSTILE
        self.program.write_bytes(elf())
        self.program.chmod(0o755)
        self.text = folder / f"{HOSTILE}.txt"
        self.text.write_text("text")
        (folder / "bin").mkdir()
        self.sleep = folder / "bin" / HOSTILE
        shutil.copy(shutil.which("sleep") or "/bin/sleep", self.sleep)

    def pydfly(self, *words: str | Path, **environment: str) -> bytes:
        """Run a command, and return what it shows on both streams."""
        command = [sys.executable, "-m", "pydfly", *words]
        told = {**os.environ, "PYTHONPATH": ROOT, "PYDFLY_STATE_DIR": str(self.state), **environment}
        done = subprocess.run(command, env=told, capture_output=True, cwd=self.folder, timeout=200)
        assert b"Traceback" not in done.stderr
        return done.stdout + done.stderr

    def resident(self, *words: str | Path) -> bytes:
        """Run ``pydfly resident`` as a simulated root."""
        code = (
            "import sys, pydfly, pydfly.cli; pydfly.use('linux', euid=0, state_dir=sys.argv[1]); "
            "sys.exit(pydfly.cli.main(sys.argv[2:]))"
        )
        command = [sys.executable, "-c", code, self.state, "resident", *words]
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": ROOT}, capture_output=True, timeout=200)
        return done.stdout + done.stderr

    def resident_conf(self, line: Path | str, *words: str) -> bytes:
        """Apply a resident.conf of one line; a name with a newline can be had by a pattern only."""
        conf = self.folder / "conf"
        conf.write_bytes(os.fsencode(line) + b"\n")
        return self.resident(*words, "--conf", conf)

    def tree(self, terminal: bool) -> bytes:
        """Show the tree of this process, which has a child with a hostile name."""
        with subprocess.Popen([self.sleep, "60"]) as child:
            try:
                assert eventually(lambda: Path(f"/proc/{child.pid}/comm").read_bytes().startswith(b"h\x1b"))
                pid = str(os.getpid())
                return _on_a_terminal("tree", pid) if terminal else self.pydfly("tree", pid)
            finally:
                child.kill()

    def leak(self, how: str) -> bytes:
        """Have a test leave a process behind, and see the plugin's report."""
        (self.folder / "test_leak.py").write_text(
            f"import subprocess\ndef test_leak():\n    subprocess.Popen([{str(self.sleep)!r}, '60'])\n"
        )
        words = ["-p", "pydfly.pytest_plugin", "-p", "no:cacheprovider", f"--reap-leaks={how}", "test_leak.py"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": ROOT, "PYTEST_ADDOPTS": ""},
            capture_output=True,
            timeout=200,
        )
        assert done.returncode == (how == "fail"), done.stdout.decode()
        return done.stdout + done.stderr

    def replay(self, line: object) -> bytes:
        """Play a recording of one line."""
        file = self.folder / "recording"
        file.write_text(json.dumps(line) + "\n")
        return self.pydfly("replay", file)

    def svc(self, *words: str, answer: bytes | None = None) -> bytes:
        """Ask the daemon of a hostile socket: a dead one, or one that gives this answer."""
        directory = tempfile.mkdtemp(prefix="w")  # short: the path of a socket has at most a hundred bytes
        try:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(os.path.join(os.fsencode(directory), b"service." + os.fsencode(HOSTILE) + b".sk"))
                if answer is None:
                    return self.pydfly("svc", "-p", directory, *words)
                listening.listen()
                listening.settimeout(200)
                answering = threading.Thread(target=_answer, args=(listening, answer))
                answering.start()
                try:
                    return self.pydfly("svc", "-p", directory, *words)
                finally:
                    answering.join()
        finally:
            shutil.rmtree(directory)


ANSWER = os.fsencode(HOSTILE).replace(b"\n", rb"\n") + b"\n.\n"
"""A newline is the protocol's own."""


def _answer(listening: socket.socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(10000)
        connection.sendall(answer)


def _on_a_terminal(*words: str) -> bytes:
    """Run a command that may draw, and return what it shows without its own colours and line ends."""
    reading, writing = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": ROOT, "TERM": "xterm", "COLUMNS": "200"}
    command = [sys.executable, "-m", "pydfly", *words]
    with subprocess.Popen(command, stdout=writing, stderr=writing, env=environment) as process:
        os.close(writing)
        shown = b""
        while True:
            try:
                shown += os.read(reading, 10000)
            except OSError:  # EIO: the other end is closed
                break
    os.close(reading)
    assert process.returncode == 0
    return re.sub(rb"\x1b\[[0-9;]*m", b"", shown).replace(b"\r\n", b"\n")


def _told(error: BaseException) -> bytes:
    """Return what an uncaught exception prints."""
    return "".join(traceback.format_exception(error)).encode("utf-8", "surrogateescape")


def _raised(function: Callable[[], object]) -> bytes:
    with pytest.raises((OSError, RuntimeError)) as caught:
        function()
    return _told(caught.value)


def _start(name: str) -> None:
    with pydfly.supervise([name]) as service:
        service.wait_started()


def _with_root(stage: Stage, function: Callable[[], object]) -> bytes:
    with pydfly.use("linux", euid=0, state_dir=str(stage.state)):
        return _raised(function)


def _summary() -> bytes:
    """The summary of a run whose words and processes have such names, and of which one is left."""
    process = {
        "pid": 7,
        "parent": 1,
        "name": HOSTILE,
        "status": None,
        "signal": None,
        "start": None,
        "end": None,
        "rusage": None,
    }
    left = {"pid": 7, "name": HOSTILE, "state": "sleeping", "why": HOSTILE}
    report = {
        "command": [HOSTILE],
        "processes": [process],
        "survivors": [left],
        "unlisted": 0,
        "exit_status": 0,
        "signal": None,
        "start": 0.0,
        "end": 1.0,
        "reason": "the command ended",
    }
    paper = io.StringIO()
    summary.show(report, paper)
    return paper.getvalue().encode("utf-8", "surrogateescape")


def _is_left(capfdbinary: pytest.CaptureFixture[bytes]) -> bytes:
    cli_run._name_survivors([{"pid": 7, "name": HOSTILE, "state": "sleeping", "why": "EPERM"}])
    return capfdbinary.readouterr().err


def _leak() -> bytes:
    process = DescendantInfo(7, 1, HOSTILE, "sleeping", time.time())
    return str(leaks.Leak(process, HOSTILE, Origin("fixture", 7, HOSTILE), False)).encode("utf-8", "surrogateescape")


def _registered(stage: Stage, *words: str | Path) -> bytes:
    stage.resident(stage.program)
    return stage.resident(*words)


def _damaged(stage: Stage) -> bytes:
    stage.state = stage.folder / "bin" / f"{HOSTILE}.state"
    stage.state.mkdir(0o700)
    (stage.state / "resident.db").touch(0o600)
    return stage.resident("-l")


def _other_state(stage: Stage, place: str) -> bytes:
    stage.state = stage.folder / place
    return stage.resident("-l")


PLACES: dict[str, Callable[[Stage], bytes]] = {
    "resident: a program is refused": lambda stage: stage.resident(stage.text),
    "resident: resident already": lambda stage: _registered(stage, stage.program),
    "resident: no such program": lambda stage: stage.resident(f"{HOSTILE}.none"),
    "resident -f: cannot be executed": lambda stage: stage.resident("-f", f"{HOSTILE}.none"),
    "resident -d: not resident": lambda stage: stage.resident("-d", stage.program),
    "resident -l": lambda stage: _registered(stage, "-l"),
    "resident --explain": lambda stage: _registered(stage, "--explain", "-R"),
    "resident --explain -x": lambda stage: _registered(stage, "--explain", "-x", "1"),
    "resident --conf: resident": lambda stage: stage.resident_conf(f"{stage.folder}/h*e?*\udcff"),
    "resident --conf: refused": lambda stage: stage.resident_conf(f"{stage.folder}/h*.tx?", "-f"),
    "resident --conf: matches nothing": lambda stage: stage.resident_conf(r"/none" + HOSTILE.replace("\n", "")),
    "resident --conf: no such file": lambda stage: stage.resident("--conf", f"{HOSTILE}.none"),
    "resident: unknown option": lambda stage: stage.resident(f"-{HOSTILE[1:]}"),
    "resident: a directory that is missing": lambda stage: _other_state(stage, f"{HOSTILE}.none/x"),
    "resident: a directory that is a file": lambda stage: _other_state(stage, stage.text.name),
    "resident: a damaged list": _damaged,
    "unknown command": lambda stage: stage.pydfly(HOSTILE),
    "unknown option": lambda stage: stage.pydfly(f"--{HOSTILE}"),
    "help: no such page": lambda stage: stage.pydfly("help", HOSTILE),
    "completion: no such shell": lambda stage: stage.pydfly("completion", HOSTILE),
    "run: no such command": lambda stage: stage.pydfly("run", "--", HOSTILE + "none"),
    "run: cannot be executed": lambda stage: stage.pydfly("run", "--", stage.text),
    "run: unknown option": lambda stage: stage.pydfly("run", f"--{HOSTILE}", "true"),
    "run: a wrong time": lambda stage: stage.pydfly("run", "--grace", HOSTILE, "true"),
    "run: a wrong signal": lambda stage: stage.pydfly("run", "--pdeathsig", HOSTILE, "true"),
    "run --report: no such directory": lambda stage: stage.pydfly("run", "--report", f"{HOSTILE}/x/y", "true"),
    "run: a wrong mode": lambda stage: stage.pydfly("run", "--kill-mode", HOSTILE, "true"),
    "run: a wrong status": lambda stage: stage.pydfly("run", f"--fail-on-leak={HOSTILE}", "true"),
    "run --pidfile: no such directory": lambda stage: stage.pydfly("run", "--pidfile", f"{HOSTILE}/x/y", "true"),
    "run: left behind": lambda stage: stage.pydfly("run", "--fail-on-leak", "sh", "-c", LEAVES, stage.sleep),
    "run --summary": lambda stage: stage.pydfly("run", "--summary", "--", stage.sleep, "0"),
    "tree": lambda stage: stage.tree(terminal=False),
    "tree on a terminal": lambda stage: stage.tree(terminal=True),
    "tree: no pid": lambda stage: stage.pydfly("tree", HOSTILE),
    "doctor": lambda stage: stage.pydfly("doctor", PYDFLY_BACKEND=HOSTILE),
    "status: no such backend": lambda stage: stage.pydfly("status", PYDFLY_BACKEND=HOSTILE),
    "status: no such flavour": lambda stage: stage.pydfly("status", PYDFLY_BACKEND=f"sim:{HOSTILE}"),
    "status: unexpected argument": lambda stage: stage.pydfly("status", HOSTILE),
    "replay: no such file": lambda stage: stage.pydfly("replay", f"{HOSTILE}.none"),
    "replay: no recording": lambda stage: stage.pydfly("replay", stage.text),
    "replay: a difference": lambda stage: stage.replay(_scenario()),
    "replay: an unknown operation": lambda stage: stage.replay({**_scenario(), "ops": [{"op": HOSTILE}]}),
    "conform --out: no such directory": lambda stage: stage.pydfly("conform", "--out", f"{HOSTILE}/x/y"),
    "svc: no such directive": lambda stage: stage.pydfly("svc", HOSTILE, "label"),
    "svc: unknown option": lambda stage: stage.pydfly("svc", f"-{HOSTILE[1:]}", "list"),
    "svc: no such user": lambda stage: stage.pydfly("svc", "-u", HOSTILE, "init", "label", "true"),
    "svc: no such directory": lambda stage: stage.pydfly("svc", "-p", f"{HOSTILE}.none", "list"),
    "svc: no such service": lambda stage: stage.svc("stop", f"{HOSTILE}x"),
    "svc init: a wrong label": lambda stage: stage.svc("init", HOSTILE, "true"),
    "svc init: no such command": lambda stage: stage.svc("-x", "init", "label", f"/{HOSTILE}none"),
    "svc: a dead daemon": lambda stage: stage.svc("list"),
    "svc exit: a dead daemon": lambda stage: stage.svc("exit", "h"),
    "svc list: a daemon's answer": lambda stage: stage.svc("list", answer=ANSWER),
    "svc status: a daemon's answer": lambda stage: stage.svc("status", answer=ANSWER),
    "svc stop: a daemon's answer": lambda stage: stage.svc("stop", HOSTILE, answer=ANSWER),
    "pytest plugin: fail": lambda stage: stage.leak("fail"),
    "pytest plugin: warn": lambda stage: stage.leak("warn"),
    "pytest plugin: report": lambda stage: stage.leak("report"),
    "pytest plugin: all of a line": lambda stage: _leak(),
    "a summary with survivors": lambda stage: _summary(),
    "SurvivorsError": lambda stage: _told(pydfly.SurvivorsError([Survivor(7, HOSTILE, "sleeping", HOSTILE)])),
    "SyscallError": lambda stage: _told(pydfly.errors.refusal("open", "ENOENT", HOSTILE)),
    "resident.register": lambda stage: _with_root(stage, lambda: resident.register(stage.text)),
    "resident.read_conf": lambda stage: _raised(lambda: resident.read_conf(f"{HOSTILE}.none")),
    "supervise: no such command": lambda stage: _raised(lambda: _start(HOSTILE)),
    "use: no such backend": lambda stage: _raised(lambda: pydfly.use(HOSTILE)),
}


def _scenario() -> dict[str, object]:
    """A recording with a wrong result, whose name is hostile."""
    import gzip

    with gzip.open(Path(__file__).parent / "data" / "dragonfly.jsonl.gz") as file:
        line = file.readline()
    scenario: dict[str, object] = json.loads(line)
    assert isinstance(scenario["ops"], list)
    return {**scenario, "name": HOSTILE, "ops": [{**scenario["ops"][0], "result": HOSTILE}, *scenario["ops"][1:]]}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    yield Stage(tmp_path)


def harmful(shown: bytes) -> set[str]:
    """Return what would act on a terminal: anything but letters, tabs and the ends of lines that we mean."""
    text = shown.decode("utf-8", "surrogateescape")
    forged = {line for line in text.split("\n") if line.startswith("fake")}
    return forged | {character for character in text if not character.isprintable() and character not in "\n\t"}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_acts_on_the_terminal(place: str, stage: Stage) -> None:
    """The name is shown, so that this place is one, and shown escaped."""
    shown = PLACES[place](stage)
    assert SHOWN.partition("[" if place.endswith(": unknown option") else "\\n")[0].strip("h") in shown.decode()
    assert harmful(shown) == set()


def test_run_names_survivors(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """What ``pydfly run`` says when it could not end a process."""
    shown = _is_left(capfdbinary)
    assert SHOWN in shown.decode()
    assert harmful(shown) == set()


def test_json_carries_names_exactly(stage: Stage) -> None:
    """Programs read it, and it is ASCII."""
    shown = _registered(stage, "--json", "-l")
    assert harmful(shown) == set()
    assert json.loads(shown)[0]["path"] == str(stage.program)
    with subprocess.Popen([stage.sleep, "60"]) as child:
        try:
            name = Path(f"/proc/{child.pid}/comm")
            assert eventually(lambda: name.read_bytes().startswith(b"h\x1b"))
            shown = stage.pydfly("tree", str(os.getpid()), "--json")
        finally:
            child.send_signal(signal.SIGKILL)
    assert harmful(shown) == set()
    assert HOSTILE[:15] in {member["name"] for member in json.loads(shown)["children"]}


def test_the_walk_is_long() -> None:
    """Places are found by looking, not by memory: a new command belongs in the list above."""
    assert len(PLACES) >= 66
    walked = {place.split()[0].rstrip(":") for place in PLACES}
    assert set(pydfly.cli.COMMANDS) <= walked
