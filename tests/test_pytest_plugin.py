"""The pytest plugin, run on a small project that leaks, and its parts."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import pydfly
from pydfly.pytest_plugin import watch as watching
from pydfly.pytest_plugin.births import Origin
from pydfly.structs import DescendantInfo
from tests.conftest import linux_only
from tests.processes import eventually, fork, in_process, pause

ROOT = Path(pydfly.__file__).parents[1]
LEAKY = Path(__file__).parent / "leaky"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy of the project, whose processes are ended by their names."""
    shutil.copytree(LEAKY, tmp_path / "project", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "project" / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    yield tmp_path / "project"


def run(project: Path, *options: str) -> tuple[int, str]:
    """Run its tests, and end whatever they leave, by pid and start time; return the exit status and the output."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    for name in ("CI", "BUILD_NUMBER"):  # there pytest tells each failure twice
        environment.pop(name, None)
    words = [sys.executable, "-m", "pytest", "-p", "pydfly.pytest_plugin", "-p", "no:cacheprovider", *options]

    def session() -> tuple[int, str]:
        pydfly.reaper.acquire()  # what the run leaves comes to this process
        done = subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, timeout=300)
        pydfly.reaper.kill_all(signal.SIGKILL)
        return done.returncode, done.stdout + done.stderr

    answer: tuple[int, str] = in_process(session)
    return answer


def told(output: str) -> dict[str, list[str]]:
    """Return, for each test that is blamed, which letterboxes it left."""
    blamed: dict[str, list[str]] = {}
    for test, lines in re.findall(r"(\S+) left (?:a process|\d+ processes) behind:\n((?: +\S.*\n)+)", output):
        blamed[test.partition("::")[2]] = re.findall(r"\(pid \d+, \d+\.\d s old.*\): .*letterbox-(\w+)", lines)
    return blamed


CULPRITS = {
    "test_forgotten": ["forgotten"],
    "test_daemon": ["daemon"],
    "TestNeglected::test_last": ["neglected"],
}


@linux_only
def test_the_culprits_are_named_and_fail(project: Path) -> None:
    """Name, command line, age and test of each; no other is blamed or killed."""
    status, output = run(project, "--reap-leaks=fail")
    assert told(output) == CULPRITS, output
    assert "of the class fixture neglected" in output
    assert "7 passed, 3 errors" in output
    assert status == 1


@linux_only
def test_the_culprits_are_warned_of(project: Path) -> None:
    """The same as warnings: the tests pass."""
    status, output = run(project, "--reap-leaks=warn")
    assert told(output) == CULPRITS, output
    assert output.count("LeakedProcessWarning") == 3
    assert "7 passed, 3 warnings" in output
    assert status == 0


@linux_only
def test_off_unless_asked_for(project: Path) -> None:
    """Without the option nothing is watched, killed or said."""
    status, output = run(project)
    assert told(output) == {}
    assert "7 passed" in output
    assert status == 0


@linux_only
def test_with_xdist(project: Path) -> None:
    """Each worker watches its own processes, and the controller none."""
    pytest.importorskip("xdist", reason="the extra `test` brings it")
    text = (project / "checks" / "test_letterbox.py").read_text()
    for copy in ("second", "third"):
        (project / "checks" / f"test_{copy}.py").write_text(text)
    status, output = run(project, "--reap-leaks=fail", "-n2", "--dist=loadfile")
    assert "21 passed, 9 errors" in output
    assert told(output) == CULPRITS, output
    assert len(re.findall(r"^.*left (?:a process|\d+ processes) behind:$", output, re.MULTILINE)) == 9
    assert status == 1


def test_a_wrong_value_is_refused(project: Path) -> None:
    """An error of use."""
    status, output = run(project, "--reap-leaks=loudly")
    assert status == 4
    assert "loudly" in output


def test_the_fixtures_are_documented(project: Path) -> None:
    """pytest --fixtures says what they are."""
    _, output = run(project, "--fixtures")
    assert re.search(r"dragonfly_kernel -- .*\n +A simulated DragonFly kernel, booted for this test", output)
    assert re.search(r"freebsd_kernel -- .*\n +A simulated FreeBSD kernel, booted for this test", output)


def test_the_fixtures_are_kernels(project: Path) -> None:
    """Each test gets a kernel of its own."""
    shutil.rmtree(project / "checks")
    (project / "test_kernels.py").write_text(
        "import pydfly\n"
        "def test_one(dragonfly_kernel, freebsd_kernel):\n"
        "    assert dragonfly_kernel.flavour.name == 'dragonfly' and freebsd_kernel.flavour.name == 'freebsd'\n"
        "    assert len(list(dragonfly_kernel.processes())) == 1\n"
        "    with pydfly.use(dragonfly_kernel.spawn('/bin/sh')):\n"
        "        pydfly.reaper.acquire()\n"
        "def test_two(dragonfly_kernel):\n"
        "    assert len(list(dragonfly_kernel.processes())) == 1\n"
    )
    status, output = run(project)
    assert "2 passed" in output, output
    assert status == 0


def test_nothing_is_imported_unless_asked_for() -> None:
    """A pytest that has the package installed pays for two fixtures and an option."""
    code = (
        "import sys, pytest; before = set(sys.modules); import pydfly.pytest_plugin; print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name for name in done.stdout.split() if name.startswith("pydfly")} == {"pydfly", "pydfly.pytest_plugin"}


def test_no_live_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where processes cannot be watched, that is said."""
    monkeypatch.setattr(watching, "machine", lambda: "plan9")
    with pytest.raises(pydfly.BackendError, match="plan9"):
        watching.Watch()


@linux_only
@pytest.mark.parametrize("newest", ["told", "not told", "wrapped"])
def test_only_what_is_new_is_a_leak(newest: str) -> None:
    """Processes from before are left alone; a process and what it forks are found and ended, however pids go."""

    def script() -> None:
        before = fork(pause)
        watch = watching.Watch()
        if newest == "not told":
            watching.newest_pid = lambda: None
        assert watch.check() == []
        child = fork(lambda: (fork(pause), pause()))
        eventually(lambda: len(watch._processes.below(child)) == 1)
        grandchild = watch._processes.below(child)[0].pid
        if newest == "wrapped":
            watch._newest = 4_000_000
        found = watch.check()
        assert sorted(leak.process.pid for leak in found) == sorted([child, grandchild])
        assert all(leak.ended and leak.command for leak in found)
        assert watch.check() == []
        assert [process.pid for process in watch._processes.below(os.getpid())] == [before]
        os.kill(before, signal.SIGKILL)
        os.waitpid(before, 0)
        watch.close()
        assert not pydfly.reaper.owned()

    in_process(script)


@linux_only
def test_what_forks_while_it_is_killed() -> None:
    """A leak that goes on under new pids is followed until it is gone."""

    def chain() -> None:
        for _ in range(300):  # bounded, should the plugin lose it
            if os.fork():
                os._exit(0)
            time.sleep(0.005)

    def script() -> None:
        watch = watching.Watch()
        fork(chain)
        assert watch.check()
        assert [each for each in watch._processes.below(os.getpid()) if each.state != "zombie"] == []

    in_process(script)


@linux_only
def test_a_reaper_by_other_code_stays_one() -> None:
    """A process that was a reaper before is one afterwards; a forked copy of the program does nothing."""

    def script() -> None:
        pydfly.reaper.acquire()
        watch = watching.Watch()
        child = fork(lambda: os._exit(0 if watch.new() == [] else 1))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        watch.close()
        assert pydfly.reaper.owned()

    in_process(script)


@linux_only
def test_a_test_that_leaves_nothing_costs_no_listing() -> None:
    """With a living server among the children, and with none: only what is new is looked at."""

    def script() -> int:
        watch = watching.Watch()
        listed: list[int] = []
        below = watch._processes.below

        def counted(pid: int) -> list[DescendantInfo]:
            listed.append(pid)
            found: list[DescendantInfo] = below(pid)
            return found

        for server in (False, True):
            origin, watch.births.scope = watch.births.scope, Origin("fixture", 0, "a fixture")
            child = fork(pause) if server else None
            watch.set_up(watch.births.scope, None)
            watch.births.scope = origin
            watch._processes.below = counted  # type: ignore[method-assign]
            for _ in range(300):
                assert watch.check() == []
            watch._processes.below = below  # type: ignore[method-assign]
            if child is not None:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        return len(listed)

    assert in_process(script) == 0


@linux_only
def test_what_ended_while_the_tests_were_held_up_is_no_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last look comes after the grace: a machine may give the program that runs the tests no time during it."""

    def script() -> None:
        watch = watching.Watch(grace=0.05)
        reader, writer = os.pipe()
        child = fork(lambda: (os.close(writer), os.read(reader, 1)))
        held_up = []

        def held_up_once(seconds: float) -> None:
            if not held_up:
                held_up.append(seconds)
                os.close(writer)
                os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
                end = watch._processes.clock() + watch.grace
                eventually(lambda: watch._processes.clock() > end)

        monkeypatch.setattr(watching.time, "sleep", held_up_once)
        assert watch.check() == []
        assert held_up

    in_process(script)
