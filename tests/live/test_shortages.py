"""Machines that refuse: single system calls by a filter, descriptors by a limit, at the start or later."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import linux_only

ROOT = str(Path(__file__).parents[2])
PYDFLY = [sys.executable, "-m", "pydfly"]
MARK = str(70_000_000 + os.getpid())  # these tests run in several processes at once
DAEMON = f"trap '' TERM; setsid sleep {MARK} & exit 3"
NUMBERS = {  # of system calls: x86_64, and the generic table that the later machines share
    "kill": (62, 129),
    "shutdown": (48, 210),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "prctl": (157, 167),
    "sched_setscheduler": (144, 119),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "close_range": (436, 436),
    "clone3": (435, 435),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "rt_sigtimedwait": (128, 137),
    "rt_sigpending": (127, 136),
    "rt_sigprocmask": (14, 135),
    "getppid": (110, 173),
    "getsockopt": (55, 209),
}
# without these there is no supervisor
REFUSED_BEFORE = {
    "kill",
    "wait4",
    "waitid",
    "prctl",
    "sendto",
    "recvmsg",
    "rt_sigtimedwait",
    "rt_sigprocmask",
    "getppid",
}
UNNEEDED = ["shutdown", "getsockopt"]
OF_THE_OWNER = ["kill", "wait4", "rt_sigprocmask", "prctl", "sendto", "recvmsg", "rt_sigtimedwait", *UNNEEDED]

# installs a filter that refuses one call with one errno, then becomes the program behind it
FILTER = """
import ctypes, os, struct, sys
errno, number, *program = sys.argv[1:]
number, _, first = number.partition(",")  # and the first argument that it is refused with
load, equal, answer = 0x20, 0x15, 0x06
check = [(load, 0, 0, 16), (equal, 0, 1, int(first))] if first else []
steps = [(load, 0, 0, 0), (equal, 0, 1 + len(check), int(number)), *check]
steps += [(answer, 0, 0, 0x50000 | int(errno)), (answer, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
prog = Program(len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(prog), 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execvp(program[0], program)
"""

# the same command in a program's hands
SUPERVISE = f"""
import pydfly
try:
    with pydfly.supervise(["sh", "-c", {DAEMON!r}], grace=0.2) as service:
        service.wait_command()
    print(service.exit_status)
except OSError as error:
    print(error.strerror)
"""

# takes the descriptors of the three helpers away, as any process of the same user can
TAKE = """
import os, resource, sys
def parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
warden = os.getppid()
for helper in (warden, parent(warden), parent(parent(warden))):
    resource.prlimit(helper, resource.RLIMIT_NOFILE, (0, 0))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def number_of(call: str) -> str:
    machine = os.uname().machine
    return str(NUMBERS[call][0 if machine == "x86_64" else 1])


def daemons() -> list[str]:
    """Return the pids of what DAEMON left."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        if command == f"sleep\0{MARK}\0".encode():
            found.append(name)
    return found


def run(*program: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": ROOT}
    return subprocess.run(program, capture_output=True, text=True, timeout=200, env=environment)


@linux_only
@pytest.mark.parametrize("call", NUMBERS)
@pytest.mark.parametrize("number", ["1", "38"], ids=["EPERM", "ENOSYS"])
def test_a_refused_call_ends_in_none_left_or_nothing_started(call: str, number: str) -> None:
    words = [*PYDFLY, "run", "--grace", "0.2", "--", "sh", "-c", f"echo started; {DAEMON}"]
    done = run(sys.executable, "-c", FILTER, number, number_of(call), *words)
    assert daemons() == []
    assert "Traceback" not in done.stderr
    assert done.stdout == ("" if call in REFUSED_BEFORE else "started\n")
    if call in REFUSED_BEFORE:
        assert done.returncode == 125
        assert ("refused" if call == "getppid" else os.strerror(int(number))) in done.stderr
    else:
        assert (done.returncode, done.stderr) == (3, "")


@linux_only
@pytest.mark.parametrize("number", [1, 38], ids=["EPERM", "ENOSYS"])
@pytest.mark.parametrize("call", OF_THE_OWNER)
def test_a_refused_call_of_the_owner_neither_hangs_nor_complains(call: str, number: int) -> None:
    done = run(sys.executable, "-c", FILTER, str(number), number_of(call), sys.executable, "-c", SUPERVISE)
    assert daemons() == []
    told = "3\n" if call in UNNEEDED else f"{os.strerror(number)}\n"
    assert (done.stdout, done.stderr) == (told, "")


@linux_only
@pytest.mark.parametrize("option", [1, 4, 36], ids=["PDEATHSIG", "DUMPABLE", "CHILD_SUBREAPER"])
def test_an_option_of_prctl_that_is_refused_is_told(option: int) -> None:
    """Some sandboxes refuse single ones; the command is not started."""
    words = [*PYDFLY, "run", "--", "sh", "-c", "echo started"]
    done = run(sys.executable, "-c", FILTER, "1", f"{number_of('prctl')},{option}", *words)
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr == f"pydfly: run: {os.strerror(1)}\n"


@linux_only
def test_what_only_a_command_in_a_terminal_needs_is_tried_before_it_starts() -> None:
    """There it shares the process group, and signals that came to that before it was there are to be looked for."""
    words = [*PYDFLY, "run", "--", "sh", "-c", "echo started"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["PYTHONPATH"] = ROOT
        os.execv(sys.executable, [sys.executable, "-c", FILTER, "1", number_of("rt_sigpending"), *words])
    said = b""
    with contextlib.suppress(OSError), open(terminal, "rb", buffering=0) as file:  # EIO: all others have closed it
        while part := file.read(4096):
            said += part
    _, status = os.waitpid(pid, 0)
    assert (os.waitstatus_to_exitcode(status), said.decode()) == (125, f"pydfly: run: {os.strerror(1)}\r\n")


@linux_only
@pytest.mark.parametrize("limit", range(5, 25))
def test_few_descriptors_are_enough_or_that_is_told(limit: int) -> None:
    """Never a traceback, and never said to be a killed warden."""
    line = f'ulimit -n {limit} && exec "$@"'
    done = run("sh", "-c", line, "sh", *PYDFLY, "run", "--grace", "0.2", "--", "sh", "-c", DAEMON)
    assert daemons() == []
    if "Fatal Python error" in done.stderr or "runpy" in done.stderr:
        assert limit < 7  # the interpreter itself could not start
    elif done.returncode == 125:
        assert "Too many open files" in done.stderr
        assert "Traceback" not in done.stderr
    else:
        assert (done.returncode, done.stderr) == (3, "")


@linux_only
@pytest.mark.parametrize(
    ("command", "status"), [(DAEMON, 3), ("kill -TERM $$", -15), ("kill -KILL $$", -9)], ids=["exit", "TERM", "KILL"]
)
@pytest.mark.parametrize("options", [[], ["--summary"], ["--report", "-"], ["--fail-on-leak"]], ids="".join)
def test_descriptors_taken_away_cost_no_exit_status(options: list[str], command: str, status: int) -> None:
    """What is needed at the end is loaded at the start."""
    words = [*PYDFLY, "run", *options, "--grace", "0.2", "--", sys.executable, "-c", TAKE, "sh", "-c", command]
    done = run(*words)
    assert daemons() == []
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    if "--report" in options:
        assert '"reason": "the command ended"' in done.stdout
