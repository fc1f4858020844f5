"""The daemon's own life: detachment, signals, death, what the command inherits, restarts, users."""

from __future__ import annotations

import contextlib
import grp
import io
import json
import os
import pwd
import random
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from pydfly.cli import svc
from pydfly.cli.svc import initialize
from pydfly.supervisor.services.notify_socket import AVAILABLE
from tests.conftest import linux_only, own_user_only
from tests.live import onlooker
from tests.processes import eventually, in_process

from .daemons import Daemons, running

assert all((initialize, grp, pwd))  # loaded here, because others may not read them
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may be others")
ROOT_OF_TESTS = Path(__file__).parents[3]
tells_sender = pytest.mark.skipif(not AVAILABLE, reason="only Linux tells which process has sent a datagram")
STUBBORN = (
    # one write each: print() makes two of a line, and those of five processes mix
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.write(1, b'up\\n'); time.sleep(1000)"
)


def command_pid(daemons: Daemons, label: str = "web") -> int:
    """Return the pid of a command once it runs; a daemon that starts it says "running", too."""
    pid = eventually(lambda: daemons.status(label)["pid"])
    assert isinstance(pid, int)
    return pid


def below(pid: int) -> set[int]:
    """Return a process and its descendants."""
    return {pid, *onlooker.below(pid)}


def test_the_daemon_has_left_everything(daemons: Daemons) -> None:
    """A session of its own, no terminal, none of the caller's descriptors: a pipe of the caller sees its end."""
    reading, writing = os.pipe()
    pid = daemons.init("init", "web", "sleep", "1000", pass_fds=[writing])
    os.close(writing)
    assert os.read(reading, 1) == b""
    os.close(reading)
    assert os.getsid(pid) == pid
    assert (daemons.directory / "service.web.pid").read_text() == f"{pid}\n"


@linux_only
def test_what_is_shown_of_the_daemon(daemons: Daemons) -> None:
    """Its title, no terminal, and /dev/null for the standard descriptors."""
    pid = daemons.init("-T", "the title", "init", "web", "sleep", "1000")
    assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[4] == "0"
    assert Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0") == b"svc: web - the title"
    assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)} == {"/dev/null"}


def test_what_the_command_inherits(daemons: Daemons, tmp_path: Path) -> None:
    """Directory, environment, umask and nice of init's caller; /dev/null, the log, and no other descriptor."""
    program = """
import fcntl, json, os, signal
def is_open(number):
    try:
        return fcntl.fcntl(number, fcntl.F_GETFD) >= 0
    except OSError:
        return False
print(json.dumps([os.getcwd(), os.environ.get("MARK"), os.umask(0), os.nice(0),
    os.path.samestat(os.fstat(0), os.stat("/dev/null")), list(filter(is_open, range(512))), os.getsid(0) == os.getpid(),
    {**os.environ}, sorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))]), flush=True)
signal.pause()
"""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT_OF_TESTS), "MARK": "a\nb"}
    daemons.init(
        "init", "web", sys.executable, "-c", program, cwd=tmp_path, env=environment, umask=0o27, preexec_fn=nice
    )
    (line,) = eventually(lambda: [one for one in daemons.run("log", "web").stdout.splitlines() if one[0] == "["])
    told = json.loads(line)
    assert told[:7] == [str(tmp_path), "a\nb", 0o27, os.nice(0) + 3, True, [0, 1, 2], True]
    assert {name: told[7][name] for name in environment} == environment
    # what Python itself sets, or the library that confines a machine of the tests
    assert not {name for name in told[7].keys() - environment.keys() if not name.startswith(("LC_", "LD_", "CONFINED"))}
    assert told[8] == []


def nice() -> None:
    """Be a little nicer than the test."""
    os.nice(3)


def test_sigterm_is_exit(daemons: Daemons) -> None:
    pid = daemons.init("init", "web", "sh", "-c", "sleep 1000 & setsid sleep 1000 & wait")
    members = eventually(lambda: len(found := below(pid)) >= 6 and found)
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not running(pid))
    eventually(lambda: not any(map(running, members)))
    assert os.listdir(daemons.directory) == []


def test_sighup_is_restart(daemons: Daemons) -> None:
    pid = daemons.init("init", "web", "sleep", "1000")
    first = command_pid(daemons)
    os.kill(pid, signal.SIGHUP)
    eventually(lambda: daemons.state("web") == "running" and command_pid(daemons) != first)
    assert not running(first)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGQUIT, signal.SIGPIPE, signal.SIGALRM, signal.SIGWINCH])
def test_other_signals_change_nothing(daemons: Daemons, number: int) -> None:
    pid = daemons.init("init", "web", "sleep", "1000")
    os.kill(pid, number)
    assert daemons.state("web") == "running"


def test_ctrl_c_in_the_foreground_is_exit(daemons: Daemons) -> None:
    daemon = daemons.start("-f", "init", "web", "sh", "-c", "echo hello; sleep 1000")
    assert daemon.stdout
    assert daemon.stdout.readline() == "initializing new service: web\n"
    eventually(lambda: daemons.state("web") == "running")
    assert (daemons.directory / "service.web.pid").read_text() == f"{daemon.pid}\n"
    pid = command_pid(daemons)
    daemon.send_signal(signal.SIGINT)
    out, err = daemon.communicate(timeout=200)
    assert (daemon.returncode, err) == (0, "")
    assert "hello\n" in out
    assert out.endswith("svc web: service demon exiting\n")
    assert not running(pid)
    assert os.listdir(daemons.directory) == []


def test_without_files(daemons: Daemons) -> None:
    """-p none, as a unit of systemd would have it; all of the output arrives, behind the news of its start."""
    command = "import os; os.write(1, b'x' * 300_000 + b'\\n')"
    for _ in range(5):
        done = daemons.run("-p", "none", "-f", "-x", "init", "web", sys.executable, "-c", command)
        assert done.returncode == 0
        assert re.search(r"Starting pid \d+\nx{300000}\n", done.stdout)
        assert os.listdir(daemons.directory) == []


def test_debug_and_sync(daemons: Daemons) -> None:
    """-d shows every state, in the foreground; -s writes the disks' caches, and holds nothing up."""
    done = daemons.run("-d", "-s", "-x", "init", "web", "true")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert [
        line for line in lines if line in {f"svc web: {state}" for state in ("starting", "running", "stopped")}
    ] == [
        "svc web: starting",
        "svc web: running",
        "svc web: stopped",
    ]


def test_exit_with_the_service_ends_all(daemons: Daemons) -> None:
    """-x: with -r the daemon ends with the command, and leaves no child of it behind."""
    mark = daemons.directory / "child"
    pid = daemons.init("-x", "-r", "2", "init", "web", "sh", "-c", f"setsid sleep 1000 & echo $! >{mark}; sleep 0.2")
    eventually(lambda: not running(pid))
    assert not running(int(mark.read_text()))
    mark.unlink()
    assert os.listdir(daemons.directory) == []


def test_one_grace_for_all(daemons: Daemons) -> None:
    """Five that ignore SIGTERM are gone after one grace, not after five."""
    script = f'for i in 1 2 3 4 5; do {sys.executable} -c "{STUBBORN}" & done; wait'
    daemons.init("-t", "1", "init", "web", "sh", "-c", script)
    eventually(lambda: daemons.run("log", "web").stdout.count("up\n") == 5)
    done = daemons.run("stop", "web")
    assert done.stdout.startswith("svc web: Stopping\nsvc web: Waiting for service to stop\n")
    assert done.stdout.count("Waiting for service to stop\n") < 5  # it says so once a second
    assert daemons.state("web") == "stopped (manual)"


def test_kill_waits_for_no_grace(daemons: Daemons) -> None:
    daemons.init("-t", "100", "init", "web", sys.executable, "-c", STUBBORN)
    eventually(lambda: "up" in daemons.run("log", "web").stdout)
    assert daemons.run("kill", "web").returncode == 0  # it would not come back before the grace is over
    assert os.listdir(daemons.directory) == []


def test_a_shorter_grace_for_one_call(daemons: Daemons) -> None:
    """-t of stop, and answers at once while the stop is under way."""
    daemons.init("-t", "100", "init", "web", sys.executable, "-c", STUBBORN)
    eventually(lambda: "up" in daemons.run("log", "web").stdout)
    first = command_pid(daemons)
    stop = daemons.start("restart", "web")
    assert stop.stdout
    assert stop.stdout.readline() == "svc web: Stopping\n"
    assert daemons.state("web") == "killing"
    assert daemons.run("start", "web").stdout == "svc web: Waiting for previous action to complete\n"
    assert "up" in daemons.run("log", "web").stdout
    assert daemons.run("-t", "0", "stop", "web").returncode == 0  # it would not come back before the grace is over
    stop.communicate(timeout=200)
    assert daemons.state("web") == "stopped (manual)"
    assert not running(first)


def test_with_r_stop_leaves_the_rest(daemons: Daemons) -> None:
    """The command alone is stopped; stopall, and the next start, end what it left."""
    mark = daemons.directory / "child"
    daemons.init("-r", "1", "init", "web", "sh", "-c", f"setsid sleep 1000 & echo $! >{mark}; exec sleep 1000")
    child = int(eventually(lambda: mark.exists() and mark.read_text()))
    first = command_pid(daemons)
    daemons.run("stop", "web")
    assert (running(first), running(child)) == (False, True)
    assert daemons.state("web") == "stopped (manual)"
    daemons.run("start", "web")
    eventually(lambda: not running(child))
    child = eventually(lambda: (pid := int(mark.read_text() or 0)) != child and pid)
    daemons.run("stop", "web")
    assert running(child)
    daemons.run("stopall", "web")
    assert not running(child)


def test_restarts_at_once_make_one(daemons: Daemons) -> None:
    """One starts, the others find it started."""
    daemons.init("init", "web", "sleep", "1000")
    for _ in range(3):
        clients = [daemons.start("restart", "web") for _ in range(8)]
        outputs = [client.communicate(timeout=200)[0] for client in clients]
        assert sum("Starting pid" in out for out in outputs) >= 1
        assert all("Starting pid" in out or "Already started pid" in out for out in outputs)
        pid = int((daemons.directory / "service.web.pid").read_text())
        assert [seen.name for seen in onlooker.below(pid).values()].count("sleep") == 1


def test_inits_at_once_make_one(daemons: Daemons) -> None:
    clients = [daemons.start("init", "web", "sleep", "1000") for _ in range(10)]
    outputs = [client.communicate(timeout=200)[0] for client in clients]
    assert sorted(client.returncode for client in clients) == [0] + [1] * 9
    assert sum("is already active" in out for out in outputs) == 9
    assert daemons.state("web") == "running"


def test_a_restart_waits_as_told(daemons: Daemons) -> None:
    """-R 1 --backoff 2 -F 2: after one and after two more seconds, not earlier, and then it has failed."""
    times = daemons.directory / "times"
    script = f"import time; open({str(times)!r}, 'a').write(repr(time.time()) + '\\n'); raise SystemExit(3)"
    daemons.init("-R", "1", "--backoff", "2", "-F", "2", "init", "web", sys.executable, "-S", "-c", script)
    eventually(lambda: daemons.state("web") == "failed", timeout=200)
    first, second, third = map(float, times.read_text().split())
    assert second - first > 0.99
    assert third - second > 1.99
    assert daemons.run("status", "web").returncode == 1
    status = daemons.status("web")
    assert (status["state"], status["restarts"], status["last_exit"]) == ("failed", 2, 3)
    assert "the limit is 2 automatic restarts in 60 s" in daemons.run("status", "-v", "web").stdout
    assert daemons.run("start", "web").returncode == 0  # a start by hand begins anew


def test_a_command_that_ends_at_once_has_had_a_pid(daemons: Daemons) -> None:
    """The answer to start and restart names it, though it is gone."""
    daemons.init("init", "web", "true")
    for directive in ("start", "restart", "start"):
        eventually(lambda: daemons.state("web") == "stopped")
        (pid,) = re.findall(r"svc web: Starting pid (\d+)\n", daemons.run(directive, "web").stdout)
        assert int(pid) > 0
        eventually(lambda pid=pid: f"child {pid}: exit status 0" in daemons.run("log", "web").stdout)


def test_a_stop_is_not_undone(daemons: Daemons) -> None:
    """Neither that of a running service nor that of one that waits for its restart."""
    daemons.init("-R", "0", "init", "web", "sleep", "1000")
    daemons.run("stop", "web")
    assert daemons.state("web") == "stopped (manual)"
    daemons.run("exit", "web")
    daemons.init("-R", "1", "init", "web", "true")
    eventually(lambda: daemons.status("web")["state"] == "waiting")
    daemons.run("stop", "web")
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 1.3)
    assert daemons.state("web") == "stopped (manual)"


def test_a_later_start_that_fails(daemons: Daemons) -> None:
    """The program was removed: the reason stands in the answer, in status and in the log."""
    program = daemons.directory / "program"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    daemons.init("init", "web", str(program))
    daemons.run("stop", "web")
    program.unlink()
    done = daemons.run("start", "web")
    assert (done.returncode, done.stdout) == (
        1,
        f"svc web: Unable to start: {program}: No such file or directory\n",
    )
    assert daemons.state("web") == "failed"
    assert daemons.status("web")["reason"] == f"{program}: No such file or directory"
    assert "No such file or directory" in daemons.run("log", "web").stdout


@pytest.mark.parametrize("way", [pytest.param("notify", marks=tells_sender), "3"])
def test_ready(daemons: Daemons, way: str) -> None:
    tell = {
        "notify": "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); "
        "s.sendto(b'READY=1\\nSTATUS=at work\\nMAINPID=1', '\\0' + os.environ['NOTIFY_SOCKET'][1:])",
        "3": "os.write(3, b'up\\n')",
    }[way]
    go = daemons.directory / "go"
    program = (
        f"import os, socket, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n{tell}\ntime.sleep(1000)"
    )
    daemons.init("--ready", way, "init", "web", sys.executable, "-c", program)
    assert daemons.state("web") == "starting"
    assert daemons.run("status", "web").returncode == 1
    go.touch()
    eventually(lambda: daemons.state("web") == "running")
    status = daemons.status("web")
    assert status["text"] == ("at work" if way == "notify" else "")
    assert status["pid"] != 1  # a MAINPID that is no member is not believed


def test_not_ready_in_time(daemons: Daemons) -> None:
    daemons.init("--ready", "3", "--ready-timeout", "0.3", "init", "web", "sleep", "1000")
    eventually(lambda: daemons.state("web") == "failed")
    assert daemons.status("web")["reason"] == "0.3 s went by before it was ready"


@ROOT
@linux_only
def test_a_user(daemons: Daemons) -> None:
    """All three ids, the groups of the user, the environment untouched; and the same after a restart by hand."""
    show = "sh", "-c", "id; grep -E '^(Uid|Gid|Groups)' /proc/self/status; echo $HOME; exec sleep 1000"
    daemons.init("-u", "nobody", "init", "web", *show, env={**os.environ, "HOME": "/mark"})
    eventually(lambda: "/mark" in daemons.run("log", "web").stdout)
    daemons.run("stop", "web")
    daemons.run("start", "web")
    log = eventually(lambda: (text := daemons.run("log", "web").stdout).count("/mark") == 2 and text)
    assert log.count("Uid:\t65534\t65534\t65534\t65534\n") == 2
    assert log.count("Gid:\t65534\t65534\t65534\t65534\n") == 2
    assert log.count("Groups:\t65534 \n") == 2


@ROOT
@own_user_only
def test_ids_as_id_tells_them(daemons: Daemons) -> None:
    """On every system: effective and real ids, and the groups; the working directory is the new root."""
    show = "sh", "-c", "echo $(id -u) $(id -ru) $(id -g) $(id -rg) $(id -G); pwd; echo over; exec sleep 1000"
    daemons.init("-c", "/", "-u", "65534", "-G", "1,2", "init", "web", *show, cwd=ROOT_OF_TESTS)
    log = eventually(lambda: "over" in (text := daemons.run("log", "web").stdout) and text)
    assert "\n65534 65534 1 1 1 2\n/\n" in f"\n{log}"


@ROOT
@linux_only
def test_groups_and_a_root_directory(daemons: Daemons) -> None:
    """-G sets all three group ids; -c is the new root, and its directory the working one."""
    show = "sh", "-c", "grep -E '^(Gid|Groups)' /proc/self/status; pwd; exec sleep 1000"
    daemons.init("-c", "/", "-u", "65534", "-G", "1,2", "init", "web", *show, cwd="/tmp")
    log = eventually(lambda: "Groups" in (text := daemons.run("log", "web").stdout) and "\n/\n" in text and text)
    assert "Gid:\t1\t1\t1\t1\n" in log
    assert "Groups:\t1 2 \n" in log
    done = daemons.run("-c", str(daemons.directory), "init", "other", "/bin/sh")
    assert done.returncode == 1  # there is no program in that root
    assert "No such file or directory" in done.stdout


@ROOT
@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["-u", "root"], "-u root: only root may run a command as another user"),
        (["-g", "0"], "-g 0: only root may use a group that it is not in"),
        (["-G", "65534"], "-G: only root may set groups"),
        (["-c", "/"], "-c: only root may change the root directory"),
    ],
)
def test_what_only_root_may(daemons: Daemons, options: list[str], why: str) -> None:
    os.chmod(daemons.directory, 0o777)

    def scenario() -> tuple[int, str]:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            status = svc.main(["-p", str(daemons.directory), *options, "init", "web", "sleep", "1000"])
        return status, out.getvalue()

    assert in_process(scenario) == (1, f"initializing new service: web\nCannot init, {why}\n")


def test_a_killed_daemon_leaves_no_process(daemons: Daemons) -> None:
    """Its service is ended by deputy and warden, and the next init finds the lock free."""
    chance = random.Random(20)
    script = "setsid sh -c 'trap \"\" TERM; while :; do sleep 1000; done' & sleep 1000 & wait"
    members: set[int] = set()
    for _ in range(15):
        pid = daemons.init("-t", "0", "init", "web", "sh", "-c", script)
        end = time.monotonic() + chance.random() * 0.1
        while time.monotonic() < end:
            members |= below(pid)
        os.kill(pid, signal.SIGKILL)
        members.add(pid)
    eventually(lambda: not any(map(running, members)))
    assert daemons.run("status", "web").stdout == "Unable to connect to service web\n"
    done = daemons.run("exit", "web")
    assert done.stdout == "Unable to connect to service web\nRemoving pid and socket files for web\n"
    assert done.returncode == 1
    assert os.listdir(daemons.directory) == []


@pytest.mark.parametrize("above", [1, 2], ids=["warden", "deputy"])
def test_a_killed_helper(daemons: Daemons, above: int) -> None:
    """The service is ended, and restarted as after any other failure."""
    pid = daemons.init("-R", "0", "init", "web", "sh", "-c", "setsid sleep 1000 & exec sleep 1000")
    members = eventually(lambda: len(found := below(pid)) == 5 and found)
    first = command_pid(daemons)
    helper = first
    for _ in range(above):
        helper = onlooker.look(helper).ppid
    os.kill(helper, signal.SIGKILL)
    eventually(lambda: daemons.state("web") == "running" and command_pid(daemons) != first)
    eventually(lambda: len(below(pid)) == 5)
    assert not any(running(one) for one in members if one in (first, helper))


@linux_only
def test_nothing_wakes_up_while_nothing_happens(daemons: Daemons) -> None:
    """Not one context switch of daemon, deputy and warden in two seconds."""
    pid = daemons.init("init", "web", "sleep", "1000")
    command = command_pid(daemons)
    helpers = below(pid) - {command}

    def switches() -> dict[int, str]:
        return {
            one: "".join(line for line in Path(f"/proc/{one}/status").read_text().splitlines(True) if "ctxt" in line)
            for one in helpers
        }

    def quiet() -> bool:
        before = switches()
        began = time.monotonic()
        eventually(lambda: time.monotonic() - began > 2)
        return before == switches()

    assert eventually(quiet, timeout=200)
