"""Children that have their parent-death signal from the start."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import pydfly
from pydfly import pdeathsig
from pydfly.backends.linux import launcher
from tests.conftest import linux_only
from tests.processes import end, eventually, fork

pytestmark = linux_only
ASK = (sys.executable, "-c", "from pydfly import pdeathsig; print(pdeathsig.get())")


@pytest.fixture(params=["launcher", "preexec_fn"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two ways."""
    if request.param == "preexec_fn":
        monkeypatch.setattr(launcher, "path", lambda signal, parent: None)
    elif launcher.path(signal.SIGKILL, os.getpid()) is None:
        pytest.skip("the launcher is for x86-64, where memory may be executed")
    return str(request.param)


@pytest.mark.parametrize("wanted", [signal.SIGKILL, signal.SIGTERM])
def test_the_program_has_it(way: str, wanted: signal.Signals) -> None:
    """PY-12: it is set before the program runs; arguments, environment, directory and pipes are Popen's."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = pdeathsig.popen(ASK, wanted, env=environment, cwd="/", stdout=subprocess.PIPE, text=True)
    assert child.communicate()[0] == f"{int(wanted)}\n"
    assert child.returncode == 0


def test_arguments_and_environment_arrive_whole(way: str) -> None:
    """The program gets what Popen was given, and nothing else is open in it."""
    words = ["sh", "-c", 'echo "$#:$1:$2:$X"; ls /proc/self/fd | wc -l', "name", "", "a b"]
    told = pdeathsig.popen(words, env={"X": "y", "PATH": os.environ["PATH"]}, stdout=subprocess.PIPE).communicate()[0]
    assert told.decode().split("\n")[:2] == ["2::a b:y", "4"]


def test_it_dies_with_its_parent(way: str) -> None:
    """The point of it all."""
    reading, writing = os.pipe()
    parent = fork(lambda: (os.write(writing, b"%d\n" % pdeathsig.popen(["sleep", "60"]).pid), signal.pause()))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        child = int(pipe.readline())
    end(parent)
    eventually(lambda: _is_gone(child))


def _is_gone(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_parent_that_has_died_already() -> None:
    """PY-12: whoever was adopted before the signal was set gets it at once."""
    other = launcher.path(signal.SIGTERM, os.getppid())
    if other is None:
        pytest.skip("the launcher is for x86-64, where memory may be executed")
    assert subprocess.run(["/bin/true"], executable=other).returncode == -signal.SIGTERM


def test_errors_are_those_of_popen(way: str, tmp_path: Path) -> None:
    """What is not there, or not executable, is told where it is started."""
    (tmp_path / "text").write_text("no program")
    for command, number in (
        (["no-such-program"], errno.ENOENT),
        ([str(tmp_path / "nothing")], errno.ENOENT),
        ([str(tmp_path / "text")], errno.EACCES),
    ):
        with pytest.raises(OSError) as caught:
            pdeathsig.popen(command)
        assert caught.value.errno == number


def test_what_cannot_be_meant() -> None:
    """Options that would take the place of ours, no signal, no real processes."""
    with pytest.raises(TypeError, match="preexec_fn, shell"):
        pdeathsig.popen(["true"], shell=True, preexec_fn=print)
    with pytest.raises(ValueError, match="4000"):
        pdeathsig.popen(["true"], 4000)
    with pydfly.use("sim"), pytest.raises(pydfly.BackendError, match="no real processes"):
        pdeathsig.popen(["true"])


def test_the_launcher_cannot_be_changed() -> None:
    """It is sealed: nobody who may open it can write into what this process's children execute."""
    found = launcher.path(signal.SIGKILL, os.getpid())
    if found is None:
        pytest.skip("the launcher is for x86-64, where memory may be executed")
    with pytest.raises(PermissionError), open(found, "r+b", buffering=0) as file:
        file.write(b"x")
