"""``supervise()`` from the caller's side."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import pydfly
from pydfly.backends.linux.prctl import heed_internal_signals
from tests.conftest import linux_only, live_only
from tests.live import onlooker
from tests.live.onlooker import alive
from tests.processes import eventually, in_process

pytestmark = live_only
DEAF = "trap '' TERM HUP INT; echo ready; while :; do sleep 1; done"


def daemon(seconds: int = 60) -> list[str]:
    """A command that leaves a daemon behind and ends with 3."""
    return ["sh", "-c", f"setsid sleep {seconds} & exit 3"]


def test_a_daemon_is_shown_and_ended() -> None:
    with pydfly.supervise(daemon(), grace=2.0) as service:
        assert service.wait_started() == service.pid
        (left,) = eventually(lambda: service.exit_status is not None and service.processes())
        eventually(lambda: service.processes()[0].name == "sleep")
        assert service.exit_status == 3
    assert not alive(left.pid)
    assert service.report.exit_status == 3
    assert service.report.survivors == service.report.spared == []
    assert [(record.name, record.status, record.signal) for record in service.report.processes] == [
        ("sh", 3, None),
        ("sleep", None, signal.SIGTERM),
    ]


def test_wait_is_for_the_whole_domain() -> None:
    with pydfly.supervise(["sh", "-c", "setsid sleep 0.5 & exit 3"]) as service:
        began = time.monotonic()
        assert service.wait() == 3
        assert time.monotonic() - began > 0.3
        assert service.wait(timeout=0) == 3


def test_wait_with_a_limit() -> None:
    with pydfly.supervise(["sleep", "60"]) as service:
        with pytest.raises(TimeoutError):
            service.wait(timeout=0.05)
        service.stop()
        assert service.wait(timeout=0) == -signal.SIGTERM


@pytest.mark.parametrize("method", ["wait_started", "wait", "pid", "signal", "exit"])
def test_no_such_program(method: str) -> None:
    """Whatever is done first tells it; and if nothing is, the end of the block does."""
    with pytest.raises(FileNotFoundError) as told, pydfly.supervise(["no-such-program"]) as service:
        if method == "pid":
            _ = service.pid
        elif method == "signal":
            service.signal(1)
        elif method != "exit":
            getattr(service, method)()
    assert told.value.filename == "no-such-program"


def test_a_program_that_must_not_be_executed(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(PermissionError) as told, pydfly.supervise([str(file)]) as service:
        service.wait_started()
    assert told.value.filename == str(file)


def test_no_such_directory() -> None:
    with pytest.raises(FileNotFoundError) as told, pydfly.supervise(["true"], cwd="/no/such/place") as service:
        service.wait_started()
    assert told.value.filename == "/no/such/place"


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ("sleep 5", {}, TypeError),
        ([], {}, ValueError),
        (["a\0b"], {}, ValueError),
        ([1], {}, TypeError),
        (["true"], {"grace": -1}, ValueError),
        (["true"], {"grace": float("nan")}, ValueError),
        (["true"], {"stdout": -2}, ValueError),
        (["true"], {"pdeathsig": 4711}, ValueError),
    ],
)
def test_arguments_that_cannot_be_meant(arguments: object, options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        pydfly.supervise(arguments, **options)  # type: ignore[arg-type]


def test_environment_directory_and_files(tmp_path: Path) -> None:
    code = 'echo "$PWD $GREETING"; echo error >&2; cat'
    with pydfly.supervise(
        ["sh", "-c", code],
        env={"GREETING": "höflich", "PATH": os.environ["PATH"]},
        cwd=str(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as service:
        assert service.stdin and service.stdout
        with service.stdin, service.stdout:
            service.stdin.write(b"through")
            service.stdin.close()
            assert service.stdout.read() == f"{tmp_path} höflich\nerror\nthrough".encode()
    assert service.stderr is None


def test_a_pipe_ends_when_all_are_gone() -> None:
    """A daemon that holds the output open does not hold up the reader after stop()."""
    with pydfly.supervise(daemon(), stdout=subprocess.PIPE) as service:
        assert service.stdout
        with service.stdout:
            service.stop()
            assert service.stdout.read() == b""


def test_descriptors_are_closed_in_the_command_but_those_passed() -> None:
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    with pydfly.supervise(
        [sys.executable, "-c", onlooker.SHOW_DESCRIPTORS], stdout=subprocess.PIPE, pass_fds=[writing]
    ) as service:
        assert service.stdout
        with service.stdout:
            seen = {int(word) for word in service.stdout.read().split()}
    os.close(reading)
    os.close(writing)
    assert {0, 1, 2, writing} <= seen
    assert reading not in seen
    assert len(seen) == 4


def test_signal() -> None:
    with pydfly.supervise(
        ["sh", "-c", "trap 'exit 9' HUP; echo ready; while :; do sleep 0.02; done"], stdout=subprocess.PIPE
    ) as service:
        assert service.stdout
        with service.stdout:
            service.stdout.readline()
            service.signal(signal.SIGHUP)
            assert service.wait() == 9


def test_signal_after_the_command_is_for_the_daemon_it_left() -> None:
    with pydfly.supervise(daemon()) as service:
        eventually(lambda: service.exit_status is not None and len(service.processes()) == 1)
        service.signal(signal.SIGUSR1)
        service.wait()
    assert service.report.processes[-1].signal == signal.SIGUSR1


def test_plan_is_what_stop_would_do() -> None:
    with pydfly.supervise(["sh", "-c", "setsid sleep 60 & wait"], grace=7.0) as service:
        eventually(lambda: {process.name for process in service.processes()} == {"sh", "sleep"})
        steps = service.plan()
        members = service.processes()
        assert {step.pid for step in steps} == {member.pid for member in members}
        assert {(step.after, step.signal) for step in steps} == {(0.0, "SIGTERM"), (0.0, "SIGCONT"), (7.0, "SIGKILL")}
        assert [process.identity for process in service.processes()] == [member.identity for member in members]


def test_one_grace_for_all() -> None:
    daemons = 20
    code = f"for i in $(seq {daemons}); do setsid sh -c '{DEAF.replace(chr(39), chr(34))}' & done; wait"
    with pydfly.supervise(["sh", "-c", code], grace=1, stdout=subprocess.PIPE) as service:
        assert service.stdout
        with service.stdout:
            for _ in range(daemons):
                service.stdout.readline()
            began = time.monotonic()
            service.stop()
            assert 1 <= time.monotonic() - began < daemons  # one after the other would take that long


def test_stop_without_grace() -> None:
    with pydfly.supervise(["sh", "-c", DEAF], grace=60.0, stdout=subprocess.PIPE) as service:
        assert service.stdout
        with service.stdout:
            service.stdout.readline()
            service.stop(grace=0)
            assert service.wait() == -signal.SIGKILL


def test_stop_twice_and_after_the_end() -> None:
    with pydfly.supervise(["true"]) as service:
        service.wait()
        service.stop()
        service.stop()
    assert service.report.reason == "the command ended"


def test_spare_decides_at_stop_time() -> None:
    asked: list[str] = []

    def spare(process: pydfly.DescendantInfo) -> bool:
        asked.append(process.name)
        return process.name == "sleep"

    with pydfly.supervise(["sh", "-c", "setsid sleep 60 & exec cat"], stdin=subprocess.PIPE, spare=spare) as service:
        eventually(lambda: {"sleep", "cat"} == {process.name for process in service.processes()})
        assert asked == []
        assert {step.name for step in service.plan()} == {"cat"}
    (spared,) = service.report.spared
    assert spared.name == "sleep"
    assert alive(spared.pid)
    os.kill(spared.pid, signal.SIGKILL)
    assert service.report.signal == signal.SIGTERM
    assert service.stdin
    service.stdin.close()


def test_a_predicate_that_fails_spares_none_and_is_told() -> None:
    def spare(process: pydfly.DescendantInfo) -> bool:
        raise LookupError(process.name)

    with pytest.raises(LookupError, match="sleep"), pydfly.supervise(["sleep", "60"], spare=spare) as service:
        service.wait_started()
    assert service.report.spared == []


def test_fileno_is_readable_when_something_happens() -> None:
    with pydfly.supervise(["sh", "-c", "read line; exit 3"], stdin=subprocess.PIPE) as service:
        service.wait_started()
        assert service.stdin
        service.stdin.close()
        assert select.select([service], [], [])[0] == [service]
        assert eventually(lambda: service.exit_status) == 3


def test_several_threads_may_wait() -> None:
    with pydfly.supervise(["sleep", "60"]) as service:
        statuses: list[int | None] = []
        threads = [threading.Thread(target=lambda: statuses.append(service.wait())) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert len(service.processes()) == 1
        service.stop()
        for thread in threads:
            thread.join()
        assert statuses == [-signal.SIGTERM] * 4


def test_the_thread_that_started_it_may_end() -> None:
    """Linux sends the parent-death signal when that thread ends; no command may die of that."""
    services: list[pydfly.supervisor.supervised.Supervised] = []  # type: ignore[name-defined]
    thread = threading.Thread(target=lambda: services.append(pydfly.supervise(["sleep", "60"], pdeathsig=9)))
    thread.start()
    thread.join()
    with services[0] as service:
        service.wait_started()
        assert [process.name for process in service.processes()] == ["sleep"]
        time.sleep(0.2)
        assert service.exit_status is None


def test_a_dropped_handle_ends_the_domain() -> None:
    service = pydfly.supervise(["sleep", "60"])
    pid = service.wait_started()
    del service
    gc.collect()
    eventually(lambda: not alive(pid))


def test_a_forked_copy_owns_nothing() -> None:
    with pydfly.supervise(["sleep", "60"]) as service:
        pid = service.wait_started()

        def copy() -> str:
            with pytest.raises(RuntimeError, match="forked copy") as told, service:
                service.processes()
            return str(told.value)

        assert "forked copy" in in_process(copy)
        assert alive(pid)
        assert [process.pid for process in service.processes()] == [pid]


def test_a_forked_copy_does_not_keep_the_domain_alive() -> None:
    """The caller is killed while a child that it forked lives on: the lifeline must end all the same."""

    def caller() -> int:
        service = pydfly.supervise(["sleep", "60"], grace=5.0)
        pid = service.wait_started()
        if os.fork() == 0:
            os.close(over)
            os.read(living, 1)
            os._exit(0)
        os.write(writing, str(pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
        return pid

    reading, writing = os.pipe()
    living, over = os.pipe()  # the copy lives until the test closes this
    child = os.fork()
    if child == 0:
        caller()
    pid = int(os.read(reading, 20))
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    eventually(lambda: not alive(pid))
    os.close(over)
    os.close(living)


def test_a_killed_warden_leaves_no_process() -> None:
    with pydfly.supervise(daemon(), grace=0.2) as service:
        (left,) = eventually(lambda: service.exit_status is not None and service.processes())
        os.kill(left.ppid, signal.SIGKILL)
        assert service.wait() == 3
        assert not alive(left.pid)
        with pytest.raises(RuntimeError, match="the warden was killed"):
            _ = service.report


def cast(service: pydfly.Supervised) -> dict[str, int]:
    """Return the pids of guard, deputy and warden."""
    service.wait_started()
    pids = {}
    below = service.processes()[0].pid
    for role in ("warden", "deputy", "guard"):
        pids[role] = below = onlooker.look(below).ppid
    return pids


@pytest.mark.parametrize("role", ["guard", "deputy"])
def test_a_killed_guard_or_deputy_leaves_no_process(role: str) -> None:
    with pydfly.supervise(["sleep", "60"], grace=5.0) as service:
        os.kill(cast(service)[role], signal.SIGKILL)
        assert service.wait() == -signal.SIGTERM
        assert service.report.reason == "the guard or its deputy is gone"


@pytest.mark.parametrize("roles", ["guard deputy", "guard warden", "deputy warden", "warden deputy"])
def test_any_two_of_three_may_be_killed(roles: str) -> None:
    code = DEAF.replace("'", '"')
    command = ["sh", "-c", f"setsid sh -c '{code}' & wait"]
    with pydfly.supervise(command, grace=0.2, stdout=subprocess.PIPE) as service:
        assert service.stdout
        with service.stdout:
            service.stdout.readline()
        pids = cast(service)
        members = service.processes()
        for role in roles.split():
            with contextlib.suppress(ProcessLookupError):  # the first death made it end the domain, and it is done
                os.kill(pids[role], signal.SIGKILL)
        service.stop()
        eventually(lambda: not any(alive(member.pid) for member in members))


def test_stopped_guards_and_a_killed_warden() -> None:
    with pydfly.supervise(["sleep", "60"], grace=5.0) as service:
        pids = cast(service)
        (left,) = service.processes()
        for role in ("guard", "deputy"):
            os.kill(pids[role], signal.SIGSTOP)
        os.kill(pids["warden"], signal.SIGKILL)
        service.stop()
        assert not alive(left.pid)


def test_group_signals_of_the_caller_do_not_reach_the_warden() -> None:
    """SIGKILL to the whole process group of the caller: the warden is in a session of its own, and ends the rest."""
    code = (
        "import pydfly, sys, time; command = ['sh', '-c', 'setsid sleep 60 & exec sleep 61']; "
        "service = pydfly.supervise(command, grace=0.2); service.wait_started(); time.sleep(0.2); "
        "print(*[process.pid for process in service.processes()], flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    ) as caller:
        assert caller.stdout
        pids = [int(word) for word in caller.stdout.readline().split()]
        assert len(pids) == 2
        os.killpg(caller.pid, signal.SIGKILL)
    eventually(lambda: not any(map(alive, pids)))


def test_on_a_simulated_kernel_there_is_nothing_to_supervise() -> None:
    with pydfly.use("sim"), pytest.raises(pydfly.BackendError, match="no real processes"):
        pydfly.supervise(["true"])


def test_start_and_end_leave_nothing_in_the_caller() -> None:
    """No descriptor, no child, no signal handler."""

    def use() -> tuple[object, ...]:
        handlers = [signal.getsignal(number) for number in signal.valid_signals()]
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        before = onlooker.descriptors()
        for _ in range(3):
            with pydfly.supervise(["true"]) as service:
                service.wait()
        after = onlooker.descriptors()
        assert [signal.getsignal(number) for number in signal.valid_signals()] == handlers
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        return len(before), len(after)

    before, after = in_process(use)
    assert before == after


TRACED = """
import ctypes, os, signal, sys, time
def be_traced():
    ctypes.CDLL(None).ptrace(0, 0, 0, 0)  # PTRACE_TRACEME: the parent is the tracer
    signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"asked"), os._exit(5)))
    os.write(1, b".")
    while True:
        time.sleep(60)
if sys.argv[1] == "daemon":
    parent = os.getpid()
    if os.fork():
        os._exit(3)
    os.setsid()
    while os.getppid() == parent:
        time.sleep(0.01)
be_traced()
"""


@linux_only
@pytest.mark.parametrize(("which", "status"), [("command", 5), ("daemon", 3)])
def test_who_makes_its_warden_a_tracer(which: str, status: int) -> None:
    """A traced process stops at each signal, which wait tells its parent like a death: it has to get the signal."""
    with pydfly.supervise([sys.executable, "-c", TRACED, which], grace=30.0, stdout=subprocess.PIPE) as service:
        assert service.stdout
        assert service.stdout.read(1) == b"."
        if which == "daemon":
            assert service.wait_command(20) == status
        service.signal(signal.SIGWINCH)
        service.stop()
        assert service.stdout.read() == b"asked"
        assert service.report.exit_status == status


@linux_only
def test_signals_are_ignored_as_under_subprocess() -> None:
    """All of them, also those that Python cannot see: posix_spawn() ignores two of the C library."""
    words = ["grep", "-E", "^Sig(Blk|Ign|Cgt):", "/proc/self/status"]

    def both() -> tuple[bytes, bytes]:
        heed_internal_signals()  # this process itself may have been started by posix_spawn()
        with pydfly.supervise(words, stdout=subprocess.PIPE) as service:
            assert service.stdout
            return service.stdout.read(), subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout

    ours, theirs = in_process(both)
    assert ours == theirs
