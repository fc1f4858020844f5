"""The live fallback keeps DragonFly's promises on real processes."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

import pydfly
from pydfly import pdeathsig, reaper
from pydfly.backends import current
from pydfly.backends.linux import procfile, procfs
from tests.processes import end, eventually, fork, in_process, pause

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="acts on real Linux processes")

P_PID = pydfly.P_PID
ACQUIRE, RELEASE, STATUS = pydfly.PROC_REAP_ACQUIRE, pydfly.PROC_REAP_RELEASE, pydfly.PROC_REAP_STATUS
CTL, DEATHSIG = pydfly.PROC_PDEATHSIG_CTL, pydfly.PROC_PDEATHSIG_STATUS


@pytest.mark.parametrize("idtype", [1, 2, 7, 16, 2**32 - 1])
def test_wrong_idtype_comes_first(idtype: int) -> None:
    """2.1 step 1: EINVAL whatever else is wrong."""
    with pytest.raises(pydfly.SyscallError, match="idtype") as caught:
        pydfly.procctl(idtype, os.getppid(), 99, pydfly.BAD_POINTER)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("which", ["parent", "unknown", "negative", "high bits"])
def test_foreign_id_comes_second(which: str) -> None:
    """2.1 step 2: never ESRCH or EPERM, and 64 bits count."""
    own = os.getpid()
    number = {"parent": os.getppid(), "unknown": 4_000_000, "negative": -1, "high bits": own | 1 << 32}[which]
    with pytest.raises(pydfly.SyscallError, match="the id") as caught:
        pydfly.procctl(P_PID, number, 99, pydfly.BAD_POINTER)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("command", [0, 6, -1, 65537])
def test_unknown_command_comes_third(command: int) -> None:
    """2.1 step 3."""
    with pytest.raises(pydfly.SyscallError, match="command") as caught:
        pydfly.procctl(P_PID, os.getpid(), command, pydfly.BAD_POINTER)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ((1.0, 0, 3), TypeError),
        ((0, "0", 3), TypeError),
        ((0, 0, None), TypeError),
        ((-1, 0, 3), OverflowError),
        ((2**32, 0, 3), OverflowError),
        ((0, 2**63, 3), OverflowError),
        ((0, 0, 2**31), OverflowError),
        ((0, 0, 4, 2**31), OverflowError),
        ((0, 0, 4, 1.5), TypeError),
        ((0, 0, 4), TypeError),
        ((0, 0, 3, 5), TypeError),
    ],
)
def test_what_c_could_not_take_is_refused_before_any_call(arguments: tuple[int, ...], kind: type[Exception]) -> None:
    """A float or a number that does not fit is no OSError."""
    with pytest.raises(kind):
        pydfly.procctl(*arguments)


def test_acquire_twice_and_release_twice() -> None:
    """DP-1, DP-2; ACQUIRE and RELEASE ignore data, a bad pointer too."""

    def script() -> None:
        assert pydfly.procctl(P_PID, 0, ACQUIRE, pydfly.BAD_POINTER) is None
        assert reaper.owned()
        with pytest.raises(pydfly.AlreadyReaperError) as already:
            pydfly.procctl(P_PID, os.getpid(), ACQUIRE)
        assert already.value.errno == errno.EALREADY
        assert not isinstance(already.value, BlockingIOError)
        pydfly.procctl(P_PID, 0, RELEASE, pydfly.NULL)
        assert not reaper.owned()
        with pytest.raises(pydfly.NotReaperError) as not_reaper:
            reaper.release()
        assert not_reaper.value.errno == errno.ENOTCONN

    in_process(script)


def test_attribute_set_by_other_code_counts() -> None:
    """7.2: the kernel's own attribute decides, and a refused ACQUIRE does not clear it."""

    def script() -> None:
        libc = ctypes.CDLL(None)
        assert libc.prctl(36, 1, 0, 0, 0) == 0
        with pytest.raises(pydfly.AlreadyReaperError):
            reaper.acquire()
        assert reaper.owned()

    in_process(script)


def test_status_buffers() -> None:
    """DP-3: NULL gives None, a bad pointer EFAULT; a non-reaper gets flags 0, refs 0 and its newest child."""

    def script() -> None:
        assert pydfly.procctl(P_PID, 0, STATUS) == pydfly.ReaperStatus(0, 0, -1)
        assert pydfly.procctl(P_PID, 0, STATUS, pydfly.NULL) is None
        with pytest.raises(pydfly.SyscallError) as caught:
            pydfly.procctl(P_PID, 0, STATUS, pydfly.BAD_POINTER)
        assert caught.value.errno == errno.EFAULT
        child = fork(pause)
        assert pydfly.procctl(P_PID, 0, STATUS) == pydfly.ReaperStatus(0, 0, child)
        end(child)

    in_process(script)


def test_counts_leave_out_children_from_before() -> None:
    """Children older than ACQUIRE, and their later descendants, are no members; zombies do not count in refs."""

    def script() -> None:
        before = fork(pause)
        reaper.acquire()
        assert pydfly.procctl(P_PID, 0, STATUS) == pydfly.ReaperStatus(1, 0, before)
        assert reaper.descendants() == []
        first = fork(pause)
        assert pydfly.procctl(P_PID, 0, STATUS) == pydfly.ReaperStatus(1, 1, max(before, first))
        second = fork(pause)
        assert [member.pid for member in reaper.descendants()] == [first, second]
        os.kill(first, signal.SIGKILL)
        zombie = lambda: next(m for m in reaper.descendants() if m.pid == first).state == "zombie"  # noqa: E731
        eventually(zombie)
        assert reaper.status().descendants == 1
        for pid in (before, first, second):
            end(pid)
        assert pydfly.procctl(P_PID, 0, STATUS) == pydfly.ReaperStatus(1, 0, -1)

    in_process(script)


def test_orphans_are_adopted_and_listed() -> None:
    """A process that lost its parent becomes a child of the reaper."""

    def script() -> None:
        reaper.acquire()
        reading, writing = os.pipe()

        def middle() -> None:
            os.write(writing, str(fork(pause)).encode())

        pid = fork(middle)
        orphan = int(os.read(reading, 100))
        os.waitpid(pid, 0)
        member = eventually(lambda: [m for m in reaper.descendants() if m.ppid == os.getpid()])[0]
        assert member.pid == orphan
        assert current().processes.children() == [orphan]
        current().processes.send(member, signal.SIGKILL)
        current().processes.wait(5)
        reaped = eventually(lambda: current().processes.reap(orphan))
        assert reaped == pydfly.Reaped(orphan, signal.SIGKILL)
        with pytest.raises(ChildProcessError):
            current().processes.reap(orphan)

    in_process(script)


def test_forked_child_is_no_reaper() -> None:
    """PY-15: neither the attribute nor our memory of it is inherited."""

    def ask() -> tuple[bool, str]:
        try:
            reaper.release()
        except pydfly.NotReaperError as error:
            return reaper.owned(), error.errno_name
        return reaper.owned(), ""

    def script() -> tuple[bool, str]:
        reaper.acquire()
        answer = in_process(ask)
        assert reaper.owned()
        return answer

    assert in_process(script) == (False, "ENOTCONN")


def test_acquired_releases_only_in_its_own_process() -> None:
    """The with block pairs acquire and release; a fork inside it does not release for its parent."""

    def script() -> None:
        with reaper.acquired():
            assert reaper.owned()
            with pytest.raises(pydfly.AlreadyReaperError), reaper.acquired():
                raise AssertionError("entered")
            assert reaper.owned()
        assert not reaper.owned()

    in_process(script)


def test_ownership_is_kept_over_exec() -> None:
    """Section 10: as on the BSDs, an exec'ed program finds itself a reaper."""
    code = "from pydfly import reaper; import os, sys; reaper.acquire(); os.execv(sys.executable, ['py', '-c', {!r}])"
    after = "from pydfly import reaper; print(reaper.owned()); reaper.release(); print(reaper.owned())"
    output = subprocess.run([sys.executable, "-c", code.format(after)], capture_output=True, text=True, check=True)
    assert output.stdout.split() == ["True", "False"]


def test_acquire_warns_when_children_vanish() -> None:
    """PY-6: with SIGCHLD ignored Linux reaps the orphans itself."""

    def script() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        with pytest.warns(RuntimeWarning, match="SIGCHLD is ignored"):
            reaper.acquire()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    in_process(script)


def test_send_never_hits_a_reused_pid() -> None:
    """PY-7: the start time must be the same."""
    child = fork(pause)
    member = current().processes.info(child)
    with pytest.raises(ProcessLookupError):
        current().processes.send(member._replace(start_time=member.start_time - 5), signal.SIGKILL)
    assert current().processes.reap(child) is None
    end(child)
    with pytest.raises(ProcessLookupError):
        current().processes.send(member, signal.SIGKILL)


@pytest.mark.parametrize("value", [1, 64, signal.SIGUSR1, 0])
def test_deathsig_is_stored(value: int) -> None:
    """DP-8, DP-9."""
    pydfly.procctl(P_PID, 0, CTL, value)
    assert pydfly.procctl(P_PID, 0, DEATHSIG) == value
    pdeathsig.clear()
    assert pdeathsig.get() == 0


@pytest.mark.parametrize("value", [129, 255, 1000, -1, 2**31 - 1, -(2**31)])
def test_deathsig_out_of_range_is_ignored(value: int) -> None:
    """DP-9: return 0 and change nothing."""
    pdeathsig.set(signal.SIGHUP)
    pdeathsig.set(value)
    assert pdeathsig.get() == signal.SIGHUP
    pdeathsig.clear()


def test_deathsig_refusals() -> None:
    """DP-10 and the pointers: 128 is refused, NULL is EINVAL, a bad pointer EFAULT; nothing changes."""
    pdeathsig.set(signal.SIGHUP)
    for command, data, name in [
        (CTL, 128, "EINVAL"),
        (CTL, pydfly.NULL, "EINVAL"),
        (CTL, pydfly.BAD_POINTER, "EFAULT"),
        (DEATHSIG, pydfly.NULL, "EINVAL"),
        (DEATHSIG, pydfly.BAD_POINTER, "EFAULT"),
    ]:
        with pytest.raises(pydfly.SyscallError) as caught:
            pydfly.procctl(P_PID, 0, command, data)
        assert caught.value.errno_name == name
    assert pdeathsig.get() == signal.SIGHUP
    pdeathsig.clear()


def test_deathsig_that_linux_cannot_send() -> None:
    """7.2: 65 to 127 are stored for STATUS, with a clear error, and not inherited by fork."""
    with pytest.raises(pydfly.SyscallError, match="not deliverable on this host") as caught:
        pdeathsig.set(100)
    assert caught.value.errno == errno.EOPNOTSUPP
    assert pdeathsig.get() == 100
    assert in_process(pdeathsig.get) == 0
    pdeathsig.clear()
    assert pdeathsig.get() == 0


def test_deathsig_of_a_worker_thread_outlives_it() -> None:
    """LX-10: the setting belongs to the process, as on the BSDs, not to the thread that made it."""
    reading, writing = os.pipe()

    def middle() -> None:
        parent = os.getpid()

        def child() -> None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
            worker = threading.Thread(target=pdeathsig.set, args=(signal.SIGUSR1, parent))
            worker.start()
            worker.join()
            os.write(writing, f"{pdeathsig.get()} ".encode())
            received = signal.sigtimedwait({signal.SIGUSR1}, 10)
            os.write(writing, b"signalled" if received else b"nothing")

        fork(child)
        assert os.read(ready_reading, 1)

    ready_reading, ready_writing = os.pipe()
    pid = fork(middle)
    said = eventually(lambda: os.read(reading, 100))
    assert int(said) == signal.SIGUSR1
    os.write(ready_writing, b"x")
    os.waitpid(pid, 0)
    assert os.read(reading, 100) == b"signalled"


@pytest.mark.skipif(os.geteuid() != 0, reason="changes the user")
def test_deathsig_of_a_worker_thread_that_setuid_clears() -> None:
    """LX-9: Linux clears it in every thread, and what is told is what the kernel has."""

    def script() -> list[int]:
        worker = threading.Thread(target=pdeathsig.set, args=(signal.SIGUSR1,))
        worker.start()
        worker.join()
        before = pdeathsig.get()
        os.setuid(65534)
        return [before, pdeathsig.get()]

    assert in_process(script) == [signal.SIGUSR1, 0]


def test_deathsig_held_by_the_main_thread() -> None:
    """Another thread cannot take back what the kernel keeps for the main thread: it is told so."""

    def script() -> str:
        pdeathsig.set(signal.SIGUSR1)
        failures: list[BaseException] = []

        def work() -> None:
            assert pdeathsig.get() == signal.SIGUSR1
            try:
                pdeathsig.set(signal.SIGUSR2)
            except pydfly.SyscallError as error:
                failures.append(error)

        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        return failures[0].errno_name

    assert in_process(script) == "EBUSY"


def test_expected_parent() -> None:
    """PY-12: a parent that is another already is reported, and the setting taken back."""
    pdeathsig.set(signal.SIGUSR1, expected_parent=os.getppid())
    with pytest.raises(ProcessLookupError, match="has died already"):
        pdeathsig.set(signal.SIGUSR2, expected_parent=os.getpid())
    assert pdeathsig.get() == signal.SIGUSR1
    with pytest.raises(TypeError):
        pdeathsig.set(signal.SIGUSR2, expected_parent="1")  # type: ignore[arg-type]
    assert pdeathsig.get() == signal.SIGUSR1
    pdeathsig.clear()


def test_a_name_is_told_as_it_is() -> None:
    """Whatever its bytes: those that are no UTF-8 are kept as os.fsdecode() keeps them, and cannot be mistaken."""
    name = b"\xff\\xfe\xc3"

    def child() -> None:
        Path("/proc/self/comm").write_bytes(name)
        pause()

    pid = fork(child)
    try:
        assert os.fsencode(eventually(lambda: (told := current().processes.info(pid).name)[0] != "p" and told)) == name
    finally:
        end(pid)


def test_process_whose_first_thread_has_ended_is_alive() -> None:
    """Linux shows such a process as a zombie, though its other threads live on."""
    reading, writing = os.pipe()

    def script() -> None:
        worker = threading.Thread(target=pause, daemon=True)
        worker.start()
        os.write(writing, b"x")
        ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)  # exit(2): this thread alone

    child = fork(script)
    os.read(reading, 1)
    shown = eventually(lambda: b") Z " in Path(f"/proc/{child}/stat").read_bytes())
    state = current().processes.info(child).state
    end(child)
    assert shown
    assert state == "sleeping"


def test_children_files_and_scan_agree(tmp_path: Path) -> None:
    """LX-11: with and without CONFIG_PROC_CHILDREN the listing is the same; the files are made up."""
    from pydfly.backends.linux.procfs import ProcFs

    def process(pid: int, ppid: int, children: dict[int, str]) -> None:
        for thread, pids in children.items():
            task = tmp_path / str(pid) / "task" / str(thread)
            task.mkdir(parents=True)
            (task / "children").write_text(pids)
        fields = ["S", str(ppid), *["0"] * 17, str(pid * 100), *["0"] * 10]
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a) (b {pid}) {' '.join(fields)}\n")

    process(10, 1, {10: "11 ", 19: "12 "})
    process(11, 10, {11: ""})
    process(12, 10, {12: "13 14 "})
    process(13, 12, {13: ""})
    process(14, 12, {14: "16 "})
    process(15, 1, {15: ""})
    process(16, 15, {16: ""})  # had been a child of 14 when the list was read: another process has its pid now
    scanning, walking = ProcFs(str(tmp_path)), ProcFs(str(tmp_path))
    walking._has_children_files = True
    assert not scanning._has_children_files
    assert [(p.pid, p.ppid, p.name) for p in sorted(walking.below(10))] == [
        (11, 10, "a) (b 11"),
        (12, 10, "a) (b 12"),
        (13, 12, "a) (b 13"),
        (14, 12, "a) (b 14"),
    ]
    assert sorted(walking.below(10)) == sorted(scanning.below(10))
    walking._last_count = 1000  # most of the machine: now it reads every process
    assert sorted(walking.below(10)) == sorted(scanning.below(10))
    assert walking.below(99) == scanning.below(99) == []
    assert len(scanning.everyone()) == 7


def dies_with_zombies(count: int) -> None:
    """Leave children that are dead and not waited for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for pid in [os.posix_spawn("/bin/true", ["true"], {}) for _ in range(count)]:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_a_process_that_is_being_removed_is_no_zombie() -> None:
    """LX-6: nobody can wait for an orphan of a process that ignores SIGCHLD; removing many takes its time."""

    def listings() -> list[object]:
        reaper.acquire()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        found: list[object] = []
        for _ in range(3):
            pid = fork(lambda: dies_with_zombies(300))
            with suppress(ChildProcessError):
                while True:
                    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            status = pydfly.procctl(P_PID, 0, STATUS)
            found += [(status.refs, status.pid_head), *reaper.descendants()]
        return found

    assert in_process(listings) == [(0, -1)] * 3


def test_what_is_mounted_over_a_file_of_proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifo without a writer, a device without an end, another file, a refusal: the process is hidden, no more."""
    own = Path("/proc/self/stat").read_bytes().split(b" ", 1)[1]
    for pid in (11, 12, 13, 14, 15, 16):
        (tmp_path / str(pid) / "task" / str(pid)).mkdir(parents=True)
        (tmp_path / str(pid) / "stat").write_bytes(b"%d %s" % (pid, own))
        (tmp_path / str(pid) / "task" / str(pid) / "children").write_text("")
    for pid, over in ((11, "stat"), (15, "task/15/children")):
        (tmp_path / str(pid) / over).unlink()
        os.mkfifo(tmp_path / str(pid) / over)
    for pid, over in ((12, "stat"), (14, "task/14/children")):
        (tmp_path / str(pid) / over).unlink()
        (tmp_path / str(pid) / over).symlink_to("/dev/zero")
    (tmp_path / "13" / "stat").write_text("something) else")

    def hidden(path: str, directory: int | None = None) -> bytes:
        if "/16/" in path:
            raise PermissionError(errno.EPERM, "hidepid=1")
        return procfile.read(path, directory)

    monkeypatch.setattr(procfs, "read", hidden)
    processes = procfs.ProcFs(str(tmp_path))
    assert [one.pid for one in processes.everyone()] == [14, 15]
    for pid in (11, 12, 13, 16):
        with pytest.raises(ProcessLookupError):
            processes.info(pid)
    parent = processes.info(14).ppid
    assert [one.pid for one in processes.walk([11, 12, 13, 14, 15, 16], {parent})] == [14, 15]
