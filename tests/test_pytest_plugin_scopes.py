"""The pytest plugin: what a process belongs to, which may stay, and the report at the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import linux_only
from tests.test_pytest_plugin import run

pytestmark = linux_only
HELPER = """
import concurrent.futures, multiprocessing, subprocess

def sleeper(name="sleep"):
    return subprocess.Popen([name, "1000"])

class Server:
    def __init__(self):
        self.process = None
    def start(self):
        if self.process is None:
            self.process = sleeper()
    def daemon(self):
        subprocess.run(["sh", "-c", "setsid sleep 1000 & exit"], check=True)
    def stop(self):
        if self.process:
            self.process.kill(); self.process.wait()

POOL = concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("fork"))
SERVER = Server()
"""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Make a project of one file of tests, and the options of its pytest.ini."""

    def write(tests: str, *options: str, **more: str) -> Path:
        (tmp_path / "helper.py").write_text(HELPER)
        (tmp_path / "test_it.py").write_text("import pytest, helper, subprocess, time\n" + tests)
        for name, text in more.items():
            (tmp_path / f"{name}.py").write_text(text)
        (tmp_path / "pytest.ini").write_text("\n".join(["[pytest]", "pythonpath = .", *options, ""]))
        return tmp_path

    return write


def blamed(output: str) -> list[str]:
    """Return the tests that are blamed, sorted."""
    return sorted(set(re.findall(r"::(\w+) left (?:a process|\d+ processes|)? ?behind:", output)))


def test_a_pool_of_a_module_is_the_modules(write: Write) -> None:
    """It starts its worker at its first use, in a test."""
    project = write(
        "def test_pool(): assert helper.POOL.submit(abs, -3).result() == 3\n"
        "def test_again(): assert helper.POOL.submit(abs, -4).result() == 4\n"
        "def test_object(): helper.SERVER.start()\n"
        "def test_alive(): assert helper.SERVER.process.poll() is None; helper.SERVER.stop(); helper.POOL.shutdown()\n"
    )
    status, output = run(project, "--reap-leaks=fail")
    assert (status, blamed(output)) == (0, []), output


def test_what_a_session_fixture_starts_at_its_first_use(write: Write) -> None:
    """A child, a daemon, by a method or by a function that it gives out; what is left after it is its leak."""
    project = write(
        "@pytest.fixture(scope='session')\n"
        "def server():\n"
        "    it = helper.Server(); yield it; it.stop()\n"
        "@pytest.fixture(scope='module')\n"
        "def start():\n"
        "    made = []\n"
        "    def start():\n"
        "        made.append(helper.sleeper())\n"
        "    yield start\n"
        "    for one in made: one.kill(); one.wait()\n"
        "@pytest.fixture(scope='module')\n"
        "def careless():\n"
        "    return helper.Server()\n"
        "def test_child(server): server.start()\n"
        "def test_function(start): start()\n"
        "def test_daemon(careless): careless.daemon()\n"
        "def test_lives(server): assert server.process.poll() is None\n"
        "def test_own(server): helper.sleeper()\n"
        "def test_last(careless): pass\n"
    )
    status, output = run(project, "--reap-leaks=fail")
    assert (status, blamed(output)) == (1, ["test_last", "test_own"]), output
    assert "of the module fixture careless" in output


def test_what_an_import_starts_stays(write: Write) -> None:
    """A module that starts its server when it is imported, by a test."""
    project = write(
        "def test_import():\n    import late\n"
        "def test_lives():\n    import late; assert late.IT.poll() is None; late.IT.kill(); late.IT.wait()\n",
        late="import helper\nIT = helper.sleeper()\n",
    )
    status, output = run(project, "--reap-leaks=fail")
    assert (status, blamed(output)) == (0, []), output


def test_the_mark_and_the_options(write: Write) -> None:
    """Names are patterns; without names whatever is left may stay."""
    project = write(
        "@pytest.mark.leaks('sl*p')\ndef test_named(): helper.sleeper()\n"
        "@pytest.mark.leaks('other')\ndef test_other(): helper.sleeper()\n"
        "@pytest.mark.leaks\ndef test_any(): helper.sleeper()\n"
        "def test_allowed(): subprocess.Popen(['yes'], stdout=subprocess.DEVNULL)\n"
        "def test_slow(): subprocess.Popen(['sh', '-c', 'sleep 0.3; exit'])\n",
        "reap_leaks_allow = yes other",
        "reap_leaks_grace = 6",
        "addopts = --strict-markers",
    )
    status, output = run(project, "--reap-leaks=fail")
    assert (status, blamed(output)) == (1, ["test_other"]), output


@pytest.mark.parametrize("how", ["fail", "report"])
def test_the_name_is_the_one_after_exec(write: Write, how: str) -> None:
    """A daemon is found before its exec, under another name; the one that it keeps is what counts, and is told."""
    project = write(
        "import os; os.mkfifo('fifo')\n"
        "def daemon(name): subprocess.run(['sh', '-c', f'setsid sh -c \"sleep 0.1; exec {name}\" &'], check=True)\n"
        "@pytest.mark.leaks('tai*')\ndef test_named(): daemon('tail -f /dev/null')\n"
        "def test_allowed(): daemon('wc fifo')\n"
        "def test_other(): daemon('cat fifo')\n",
        "reap_leaks_allow = wc",
        "reap_leaks_grace = 5",
    )
    status, output = run(project, f"--reap-leaks={how}")
    assert blamed(output) == ["test_other"], output
    assert re.search(r"^  cat \(pid \d+, .*\): cat fifo$", output, re.MULTILINE), output
    assert status == (1 if how == "fail" else 0)


@pytest.mark.parametrize(
    "value",
    [
        "{'start': start, 'made': made}",
        "functools.partial(start, 'sleep')",
        "functools.partial(functools.partial(start))",
        "[functools.partial(start)]",
    ],
)
def test_what_a_value_holds_belongs_to_the_fixture(write: Write, value: str) -> None:
    """Functions in a dictionary, and those that functools.partial() calls: used in one test, alive in the next."""
    project = write(
        "import functools\n"
        "@pytest.fixture(scope='module')\n"
        "def held():\n"
        "    made = []\n"
        "    def start(name='sleep'): made.append(helper.sleeper(name)); return made\n"
        f"    yield {value}\n"
        "    for process in made: process.kill(); process.wait()\n"
        "def call(held):\n"
        "    return (held['start'] if isinstance(held, dict) else held[0] if isinstance(held, list) else held)()\n"
        "@pytest.fixture(scope='module')\n"
        "def kept(): return []\n"
        "def test_starts(held, kept): kept.extend(call(held))\n"
        "def test_uses(held, kept): assert kept[0].poll() is None\n"
    )
    status, output = run(project, "--reap-leaks=fail")
    assert (status, blamed(output)) == (0, []), output


@pytest.mark.parametrize("grace", ["-1", "soon", "nan", "inf"])
def test_a_grace_that_is_no_time(write: Write, grace: str) -> None:
    status, output = run(write("def test_it(): pass\n", f"reap_leaks_grace = {grace}"), "--reap-leaks=warn")
    assert "reap_leaks_grace is a number of seconds" in output
    assert status == pytest.ExitCode.USAGE_ERROR  # before any test
    assert status != 0


REPORTED = (
    "PIDS = []\n"
    "def test_one(): PIDS.append(helper.sleeper())\n"
    "def test_daemon(): subprocess.run(['sh', '-c', 'setsid sleep 1000 & exit'])\n"
    "def test_short(): subprocess.Popen(['true'])\n"
    "def test_lives(): time.sleep(0.2); assert all(one.poll() is None for one in PIDS)\n"
)


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["alone", "xdist"])
def test_report(write: Write, options: tuple[str, ...]) -> None:
    """It lists at the end, kills nothing before, and nothing fails."""
    if options:
        pytest.importorskip("xdist", reason="the extra `test` brings it")
    status, output = run(write(REPORTED, "reap_leaks_grace = 2"), "--reap-leaks=report", *options)
    assert (status, blamed(output)) == (0, ["test_daemon", "test_one"]), output
    assert "processes left behind" in output
    assert len(re.findall(r"^  sleep \(pid \d+, \d+\.\d s old\): sleep 1000", output, re.MULTILINE)) == 2


def test_names_cannot_reach_the_terminal(write: Write) -> None:
    """Control characters of names and arguments are escaped."""
    project = write("def test_it(): subprocess.Popen(['sh', '-c', 'sleep 1000; : $1', 'x', '\\x1b]0;title\\x07\\n'])\n")
    for way in ("fail", "report"):
        _, output = run(project, f"--reap-leaks={way}", "--color=no")
        assert blamed(output) == ["test_it"], output
        assert "\x1b" not in output and "\x07" not in output
