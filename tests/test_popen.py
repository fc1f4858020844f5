"""Children that have their parent-death signal from the start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import pydfly
from pydfly import pdeathsig
from pydfly.backends.linux import launcher, prctl
from tests.conftest import linux_only
from tests.processes import end, eventually, fork, in_process

pytestmark = linux_only
ASK = (sys.executable, "-c", "from pydfly import pdeathsig; print(pdeathsig.get())")

REAL_TIME = getattr(signal, "SIGRTMIN", 34)  # DragonFly's Python has no name for one


@pytest.fixture(params=["launcher", "preexec_fn"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two ways; the one that is not meant is an error."""
    made = launcher.make(signal.SIGKILL, os.getpid())
    if made is not None:
        os.close(made)

    def unexpected(*arguments: object) -> object:
        raise AssertionError("the other way")

    if request.param == "preexec_fn":
        monkeypatch.setattr(launcher, "make", lambda signal, parent: None)
    elif made is None:
        pytest.skip("the launcher is for x86-64, where memory may be executed")
    else:
        monkeypatch.setattr(pdeathsig, "_prepared", unexpected)
    return str(request.param)


@pytest.mark.parametrize("wanted", [signal.SIGKILL, signal.SIGTERM, REAL_TIME, REAL_TIME + 1])
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
    """The child gets its signal when the parent dies."""
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
    """PY-12: a child that was adopted before the signal was set gets it at once."""
    other = launcher.make(signal.SIGTERM, os.getppid())
    if other is None:
        pytest.skip("the launcher is for x86-64, where memory may be executed")
    words, itself = ["/bin/true", "true"], f"/proc/self/fd/{other}"
    assert subprocess.run(words, executable=itself, pass_fds=[other]).returncode == -signal.SIGTERM
    os.close(other)


def observed(start: Callable[..., subprocess.Popen[bytes]], command: Any, **options: Any) -> object:
    """Return what a start came to: the output and the status, or the error."""
    try:
        child = start(command, stdout=subprocess.PIPE, **options)
    except Exception as error:
        return type(error), getattr(error, "errno", None), getattr(error, "filename", None)
    return child.communicate()[0], child.returncode


def folder_of_programs(folder: Path) -> Path:
    """Files of every kind that exec may be asked for."""
    for name, content in {
        "text": b"no program",
        "empty": b"",
        "script": b"#!/bin/sh\necho script $0 $1\n",
        "no interpreter": b"#!/no/such/interpreter\n",
        "carriage return": b"#!/bin/sh\r\necho x\n",
        "null byte": b"#!/bin/echo\0 x\necho y\n",
        "tabs": b"#!\t/bin/echo\tx\n",
        "long line": b"#!/bin/echo " + b"x" * 400 + b"\n",
        "long name": b"#!/bin/" + b"/" * 400 + b"echo\n",
        "no segment": Path("/bin/sh").read_bytes()[:56] + bytes(8),
        "script of a script": b"#!" + os.fsencode(folder) + b"/script x\n",
        "truncated": b"\x7fELF\x02\x01\x01",
        "elsewhere": Path("/bin/sh").read_bytes()[:18] + b"\xb7\x00" + Path("/bin/sh").read_bytes()[20:],
    }.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755)
    (folder / "closed").write_text("#!/bin/sh\n")
    (folder / "folder").mkdir()
    return folder


@pytest.mark.parametrize(
    "command",
    [
        [],
        [""],
        "",
        b"",
        "true",
        b"true",
        Path("/bin/true"),
        "no-such-program",
        [b"echo", "x", Path("y")],
        ["true", 1],
        [1],
        1,
        None,
        ["echo", "a\0b"],
        ["echo", ""],
        ["{}/text"],
        ["{}/empty"],
        ["{}/script", "b c"],
        ["{}/no interpreter"],
        ["{}/script of a script", "d"],
        ["{}/carriage return"],
        ["{}/null byte"],
        ["{}/tabs"],
        ["{}/long line"],
        ["{}/long name"],
        ["{}/no segment"],
        ["{}/truncated"],
        ["{}/elsewhere"],
        ["{}/closed"],
        ["{}/folder"],
        ["{}/text/x"],
        ["script", "e"],
        ["./script", "f"],
        ["text"],
    ],
    ids=repr,
)
def test_every_command_as_subprocess_has_it(command: Any, tmp_path: Path) -> None:
    """The same output and status, or the same error: also for what is empty, wrong or no program at all."""
    folder = folder_of_programs(tmp_path)
    if isinstance(command, list):
        command = [word.format(folder) if isinstance(word, str) else word for word in command]
    options = {"cwd": folder, "env": {"PATH": f"/nowhere:{folder}:/usr/bin:/bin"}}
    assert observed(pdeathsig.popen, command, **options) == observed(subprocess.Popen, command, **options)


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
@pytest.mark.parametrize("command", ["{}/closed", "{}/open", "{}/closed folder/script"])
def test_what_another_user_may_not_execute(command: str) -> None:
    """Root may: it is the child's user, or the effective one of this process, that exec asks about."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "closed folder").mkdir(mode=0o700)
        for name, mode in {"closed": 0o700, "open": 0o755, "closed folder/script": 0o755}.items():
            (folder / name).write_text("#!/bin/sh\necho executed\n")
            (folder / name).chmod(mode)
        words = [command.format(folder)]

        def compare(**options: Any) -> None:
            assert observed(pdeathsig.popen, words, **options) == observed(subprocess.Popen, words, **options)

        def as_another() -> None:
            os.setgroups([])
            os.setresgid(65534, 65534, 0)
            os.setresuid(65534, 65534, 0)
            compare()

        for options in ({"user": 65534}, {"user": 65534, "group": 65534, "extra_groups": []}, {"user": None}):
            compare(**options)
        in_process(as_another)


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
def test_what_linux_would_forget_is_refused() -> None:
    """LX-9: an exec with an effective id that is not the real one clears the signal, and nothing would say so."""

    def script() -> list[object]:
        told: list[object] = []
        for change in (os.seteuid, os.setegid):
            change(65534)
            try:
                pdeathsig.popen(["true"])
            except pydfly.SyscallError as error:
                told.append(error.errno_name)
            finally:
                change(0)
            told.append(pdeathsig.popen(["true"], user=65534, group=65534, extra_groups=[]).wait())
        os.setegid(65534)
        other = pdeathsig.popen(["grep", "Gid", "/proc/self/status"], group=65534, stdout=subprocess.PIPE)
        return [*told, other.communicate()[0]]

    assert in_process(script) == ["EOPNOTSUPP", 0, "EOPNOTSUPP", 0, b"Gid:\t65534\t65534\t65534\t65534\n"]


def test_a_generator(way: str) -> None:
    """It is read once."""
    child = pdeathsig.popen((word for word in ("echo", "a", "b")), stdout=subprocess.PIPE)
    assert (child.communicate()[0], child.args) == (b"a b\n", ["echo", "a", "b"])


def test_the_command_has_the_name_that_was_given(way: str) -> None:
    """argv[0] as subprocess has it, not the path that was found."""
    assert observed(pdeathsig.popen, ["sh", "-c", "cat /proc/$$/cmdline; :"]) == (
        b"sh\0-c\0cat /proc/$$/cmdline; :\0",
        0,
    )


@pytest.mark.parametrize(
    "options", [{}, {"close_fds": False}, {"pass_fds": True}, {"close_fds": False, "pass_fds": True}]
)
def test_descriptors_are_as_subprocess_has_them(options: dict[str, Any]) -> None:
    """Nothing more is open in the program, and what is passed is."""
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    if "pass_fds" in options:
        options = {**options, "pass_fds": (fd for fd in [writing])}
    before = os.listdir("/proc/self/fd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pass_fds overriding close_fds
        ours = observed(pdeathsig.popen, ["ls", "/proc/self/fd"], **options)
        if "pass_fds" in options:
            options = {**options, "pass_fds": [writing]}
        assert ours == observed(subprocess.Popen, ["ls", "/proc/self/fd"], **options)
    assert os.listdir("/proc/self/fd") == before
    os.close(reading)
    os.close(writing)


def test_descriptors_that_were_closed_and_used_again() -> None:
    """A daemon closes every descriptor and opens others: nothing of an earlier start is executed."""
    code = (
        "import os, pydfly; print(pydfly.pdeathsig.popen(['echo', 'first']).wait(), flush=True)\n"
        "os.closerange(3, 256)\n"
        "held = [os.open('/bin/false', os.O_RDONLY) for _ in range(200)]\n"
        "print(pydfly.pdeathsig.popen(['echo', 'second']).wait())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert (done.stdout, done.stderr) == ("first\n0\nsecond\n0\n", "")


def test_standard_descriptors_that_are_closed(way: str) -> None:
    """The launcher's own never becomes one of the child's 0, 1 and 2."""

    def script() -> object:
        reading, writing = os.pipe()
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        child = pdeathsig.popen(["sh", "-c", "echo out; echo err >&2"], stdout=writing, stderr=writing)
        os.close(writing)
        content = b""
        while part := os.read(reading, 100):
            content += part
        return content, child.wait()

    assert in_process(script) == (b"out\nerr\n", 0)


@pytest.mark.parametrize("how", ["not dumpable", "setuid", "user"])
def test_when_proc_of_this_process_is_closed(way: str, how: str) -> None:
    """After prctl(PR_SET_DUMPABLE) or setuid() no other process, not even a child, may see this one's descriptors."""
    if how != "not dumpable" and os.geteuid() != 0:
        pytest.skip("only root can become another user")

    def script() -> object:
        import signal as _loaded  # noqa: F401  what another user may not read is loaded before

        observed(pdeathsig.popen, ["true"])
        options = {}
        if how == "user":
            options = {"user": 65534, "group": 65534, "extra_groups": []}
        elif how == "setuid":
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        else:
            prctl.prctl(prctl.PR_SET_DUMPABLE, 0)
        return observed(pdeathsig.popen, ["/bin/echo", "started"], **options)

    assert in_process(script) == (b"started\n", 0)


def test_no_descriptor_to_be_had() -> None:
    """Where the launcher cannot be made, subprocess says what is wrong."""

    def script() -> object:
        import resource

        observed(pdeathsig.popen, ["true"])
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        return observed(pdeathsig.popen, ["true"]) == observed(subprocess.Popen, ["true"])

    assert in_process(script)


def test_nothing_is_kept(way: str) -> None:
    """A hundred starts leave no descriptor open."""
    pdeathsig.popen(["true"]).wait()
    before = os.listdir("/proc/self/fd")
    for child in [pdeathsig.popen(["true"]) for _ in range(100)]:
        assert child.wait() == 0
    assert os.listdir("/proc/self/fd") == before


def test_what_cannot_be_meant() -> None:
    """Options that would take the place of ours, no signal, no real processes."""
    with pytest.raises(TypeError, match="preexec_fn, shell"):
        pdeathsig.popen(["true"], shell=True, preexec_fn=print)
    with pytest.raises(ValueError, match="4000"):
        pdeathsig.popen(["true"], 4000)
    for number in (0, -1, signal.NSIG):
        with pytest.raises(ValueError, match="is not a signal"):
            pdeathsig.popen(["true"], number)
    with pydfly.use("sim"), pytest.raises(pydfly.BackendError, match="no real processes"):
        pdeathsig.popen(["true"])


def test_the_launcher_cannot_be_changed() -> None:
    """It is sealed: a process that may open it cannot write into what this process's children execute."""
    made = launcher.make(signal.SIGKILL, os.getpid())
    if made is None:
        pytest.skip("the launcher is for x86-64, where memory may be executed")
    with pytest.raises(PermissionError):
        os.pwrite(made, b"x", 0)
    os.close(made)
