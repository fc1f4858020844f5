"""The command line as a whole: help, mistakes, exit statuses; and the commands that only look."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pydfly import __version__
from pydfly.cli import COMMANDS, options, tree
from pydfly.process_records import DescendantInfo
from tests.processes import may_unshare


def pydfly(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pydfly", *words], capture_output=True, text=True, env={**os.environ, **environment}
    )


def test_version() -> None:
    assert pydfly("--version").stdout == f"pydfly {__version__}\n"


def test_help_names_every_command() -> None:
    output = pydfly("--help")
    assert output.returncode == 0
    assert all(f"  {command} " in output.stdout for command in COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["bogus"],
        ["--bogus"],
        ["status", "--bogus"],
        ["tree", "x"],
        ["tree", "-5"],
        ["tree", "0"],
        ["tree", "9" * 5000],
        ["doctor", "x"],
    ],
)
def test_errors_of_use(words: list[str]) -> None:
    """Exit status 2, stderr, never a traceback."""
    output = pydfly(*words)
    assert (output.returncode, output.stdout) == (2, "")
    assert output.stderr
    assert "Traceback" not in output.stderr
    assert "set_int_max_str_digits" not in output.stderr


@pytest.mark.parametrize("spec", ["foo", "linux:", "linux:netbsd", "native:", ":freebsd"])
def test_unknown_backend(spec: str) -> None:
    """A wrong $PYDFLY_BACKEND is one clear line and exit status 1, which in `run` would be the command's own."""
    for words, status in ((["status"], 1), (["run", "true"], 125)):
        output = pydfly(*words, PYDFLY_BACKEND=spec)
        assert output.returncode == status
        assert output.stderr.startswith("pydfly: backend: unknown ")
        assert len(output.stderr.splitlines()) == 1


@pytest.mark.parametrize("backend", ["sim", "native"])
def test_run_where_no_backend_can_answer(backend: str) -> None:
    if backend == "native" and sys.platform != "linux":
        pytest.skip("it can here")
    output = pydfly("run", "true", PYDFLY_BACKEND=backend)
    assert (output.returncode, output.stdout) == (125, "")
    assert re.fullmatch(r"pydfly: backend: .*\n", output.stderr)


@pytest.mark.parametrize("backend", ["sim", "foo"])
def test_a_service_where_no_backend_can_answer(backend: str, tmp_path: Path) -> None:
    output = pydfly("svc", "-p", str(tmp_path), "init", "web", "true", PYDFLY_BACKEND=backend)
    assert (output.returncode, output.stdout) == (1, "")
    assert re.fullmatch(r"pydfly: backend: .*\n", output.stderr)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux" or not may_unshare(), reason="mounts another /dev")
@pytest.mark.parametrize("words", [[], ["status"]])
def test_no_stdout_and_no_dev(words: list[str]) -> None:
    """As in a bare chroot: nothing can take the place of stdout."""
    script = 'mount -t tmpfs none /dev && exec "$@" >&-'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-m", "pydfly", *words],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, f"pydfly: {words[0] if words else 'help'}: Bad file descriptor\n")


def test_status() -> None:
    output = json.loads(pydfly("status", "--json").stdout)
    assert output["owned"] is False
    assert output["pdeathsig"] == 0
    text = pydfly("status").stdout
    assert "reaper                  no: when a descendant loses its parent, " in text
    if sys.platform == "linux":  # what the kernel does not tell is one line, not a row each
        assert text.splitlines()[-1].startswith("not told by this system: ")
        assert "None" not in text


def test_status_shows_what_exec_keeps() -> None:
    code = (
        "import os, signal, sys; from pydfly import pdeathsig, reaper; reaper.acquire(); pdeathsig.set(signal.SIGHUP); "
        "os.execv(sys.executable, [sys.executable, '-m', 'pydfly', 'status', '--json'])"
    )
    output = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert output["owned"] is True
    assert output["pdeathsig"] == 1


def test_tree() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        plain = pydfly("tree", str(os.getpid())).stdout.splitlines()
        nested = json.loads(pydfly("tree", "--json", str(os.getpid())).stdout)
    finally:
        child.kill()
        child.wait()
    assert plain[0].startswith(f"{os.getpid()} ")
    assert any(line.startswith(("├─ ", "└─ ")) and f"{child.pid} sleep" in line for line in plain)
    assert nested["pid"] == os.getpid()
    assert child.pid in [member["pid"] for member in nested["children"]]


def test_tree_of_a_long_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than Python's stack is deep; and JSON as json has it, where it is not."""

    class Line:
        def __init__(self, length: int) -> None:
            self.everyone = lambda: [
                *(DescendantInfo(pid, pid - 1, f"n{pid}\x1b", "sleeping", 0.5) for pid in range(1, length + 1)),
                DescendantInfo(length + 1, 1, "second", "running", 1.0),
            ]

    def told(length: int) -> str:
        monkeypatch.setattr(tree, "current", lambda: SimpleNamespace(processes=Line(length)))
        assert tree.main(options.parse("tree", ["--json", "1"]) or pytest.fail("no command")) == 0
        return capsys.readouterr().out

    short = told(3)
    assert short == json.dumps(json.loads(short), indent=2) + "\n"
    assert [member["pid"] for member in json.loads(short)["children"]] == [2, 4]
    long = told(3000)
    assert long.count('"pid": ') == 3001 and long.count("{") == long.count("}") == 3001


def test_tree_of_no_process() -> None:
    output = pydfly("tree", "4194304")
    assert output.returncode == 1
    assert output.stderr == "pydfly: tree: there is no process 4194304\n"


def test_doctor() -> None:
    output = json.loads(pydfly("doctor", "--json").stdout)
    assert output["backend"]["name"] in output["backend"]["why"] or "linux" in output["backend"]["why"].lower()
    assert {check["name"] for check in output["checks"]} >= {"superuser", "platformdirs"}
    assert "backend " in pydfly("doctor").stdout


def test_doctor_has_remedies_only_where_something_is_amiss() -> None:
    for check in json.loads(pydfly("doctor", "--json").stdout)["checks"]:
        assert check["state"] in ("ok", "note", "lack")
        assert bool(check["remedy"]) == (check["state"] == "lack"), check


@pytest.mark.skipif(sys.platform != "linux" or not may_unshare(), reason="mounts another /proc")
@pytest.mark.parametrize(
    ("mount", "line"),
    [
        ("mount -t tmpfs none /proc", "lack  /proc                       not mounted, so processes cannot be listed"),
        (
            "mount -t proc -o subset=pid proc /proc",
            "note  /proc                       mounted without loadavg and stat",
        ),
        ("true", "ok    /proc                       whole"),
    ],
)
def test_doctor_where_proc_is_hidden(mount: str, line: str) -> None:
    command = ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-m", "pydfly", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert line in done.stdout


@pytest.mark.parametrize(("backend", "expected"), [("sim", "simulated"), ("sim:freebsd", "absent")])
def test_doctor_knows_the_flavour(backend: str, expected: str) -> None:
    """FreeBSD has no resident executables, and does not confine signals."""
    capabilities = json.loads(pydfly("doctor", "--json", PYDFLY_BACKEND=backend).stdout)["capabilities"]
    assert capabilities["resident executables"] == capabilities["signal confinement of domains"] == expected
    assert capabilities["reaper domains"] == "simulated"


@pytest.mark.skipif(sys.platform.startswith(("dragonfly", "freebsd")), reason="the native backend works here")
def test_doctor_without_a_backend_still_reports() -> None:
    """The doctor works on a machine whose backend cannot start."""
    output = pydfly("doctor", PYDFLY_BACKEND="native")
    assert output.returncode == 1
    assert "native" in output.stdout
    assert "platformdirs" in output.stdout
    assert output.stderr == ""


@pytest.mark.parametrize("words", [["status"], ["run", "true"], ["tree"], ["bogus"]])
def test_closed_streams(words: list[str]) -> None:
    """A closed standard output means that nothing is wanted; that is no error."""
    command = [sys.executable, "-m", "pydfly", *words]
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, text=True)
    assert done.returncode == (2 if words == ["bogus"] else 0)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("words", "status"), [("run -- true", 125), ("--version", 0), ("status", 0)])
def test_without_dev_null(words: str, status: int) -> None:
    """A bare chroot has no /dev: what needs it says so in a line."""
    code = "import os, sys; os.devnull = '/nonexistent/null'; from pydfly.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, *words.split()], capture_output=True, text=True, timeout=200)
    assert done.returncode == status
    assert done.stderr == ("pydfly: /nonexistent/null: No such file or directory\n" if status else "")
