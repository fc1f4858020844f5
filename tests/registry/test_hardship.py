"""The registry's file under threads, forks, reused inodes, other sessions' variables and rotten bytes."""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from pydfly import SyscallError
from pydfly.backends import environment
from pydfly.backends.registry import directory as statedir
from pydfly.backends.registry import identity as vnode
from pydfly.structs import Program
from tests.processes import fork, in_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the registry stands in for the kernel on Linux")

if sys.platform == "linux":
    from pydfly.backends.registry.file import NAME
    from pydfly.backends.registry.rules import Registry, program_at

NOBODY = Program("/nobody", 0, 0, 0)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_file_made_anew_is_another_one(state: Path, tmp_path: Path) -> None:
    """RX-3: also where the file system gives the inode number of the deleted file out again."""
    registry = Registry(0, str(state))
    file = tmp_path / "program"
    file.write_bytes(b"old")
    old = program_at(str(file))
    registry.register(old, 0)
    file.unlink()
    file.write_bytes(b"new")
    new = program_at(str(file))
    if (old.born, new.born) == (0, 0):
        pytest.skip("this file system does not tell when a file was made")
    assert old.born != new.born
    with pytest.raises(FileNotFoundError):
        registry.unregister(-1, new)
    registry.register(new, 0)
    assert [(entry.path, entry.ino) for entry in registry.entries()] == [("", old.ino), (str(file), new.ino)]
    assert registry.unregister(-1, new) == 1


def test_written_linked_and_renamed_it_stays_the_same(tmp_path: Path) -> None:
    """RX-3, RX-4: names and contents are no identity."""
    file = tmp_path / "program"
    file.write_bytes(b"old")
    identity = vnode.identify(str(file))
    file.write_bytes(b"written over")
    os.link(file, tmp_path / "link")
    file.chmod(0o700)
    file.rename(tmp_path / "renamed")
    assert vnode.identify(str(tmp_path / "renamed")) == vnode.identify(os.fsencode(tmp_path / "link")) == identity
    with (tmp_path / "link").open() as opened:
        assert vnode.identify(opened.fileno()) == identity
    status = (tmp_path / "link").stat()
    assert identity[:2] == (status.st_dev, status.st_ino)


def test_identity_without_statx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the C library has no such call, device and inode have to do."""
    monkeypatch.setattr(vnode, "_statx", lambda file: None)
    status = tmp_path.stat()
    assert vnode.identify(str(tmp_path))[:2] == (status.st_dev, status.st_ino)
    with pytest.raises(FileNotFoundError):
        vnode.identify(str(tmp_path / "nothing"))


def test_a_link_lists_by_the_name_of_the_file(state: Path, tmp_path: Path) -> None:
    """The kernel knows a file by its own name, not by that of a link to it."""
    (tmp_path / "program").write_bytes(b"x")
    (tmp_path / "link").symlink_to("program")
    registry = Registry(0, str(state))
    registry.register(program_at(str(tmp_path / "link")), 0)
    assert registry.entries()[0].path == str(tmp_path / "program")
    (tmp_path / "link").unlink()
    assert registry.entries()[0].path == str(tmp_path / "program")


def test_threads_and_forks(state: Path) -> None:
    """Four threads register while the process forks: no child is stuck, nothing is lost or done twice."""
    registry = Registry(0, str(state))
    children = []

    def register(base: int) -> None:
        for number in range(base, base + 100):
            registry.register(Program("/x", 0, 1, number), 0)

    threads = [threading.Thread(target=register, args=(1000 * number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for number in range(20):
        children.append(fork(lambda number=number: registry.register(Program("/x", 0, 1, number), 0)))  # type: ignore[misc]
    for thread in threads:
        thread.join()
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    entries = registry.entries()
    assert [entry.id for entry in entries] == list(range(1, 421))
    assert len({entry.ino for entry in entries}) == 420


def test_threads_share_a_registry(state: Path) -> None:
    """An exception in one thread's operation leaves the others' alone."""
    registry = Registry(0, str(state))
    answers: list[str] = []

    def register() -> None:
        for number in range(50):
            try:
                registry.register(Program("/x", 0, 1, number), 0)
                answers.append("ok")
            except FileExistsError:
                answers.append("exists")

    threads = [threading.Thread(target=register) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["exists"] * 150 + ["ok"] * 50
    assert len(registry.entries()) == 50


def test_rotten_bytes(state: Path) -> None:
    """Whatever is in the file: an answer, or one of the registry's own errors; what is set aside is kept."""
    registry = Registry(0, str(state))
    for number in range(200):
        registry.register(Program(f"/x{number}", number, 1, number), number)
    file = state / NAME
    sound = file.read_bytes()
    chance = random.Random(99)
    reported = 0
    for _ in range(150):
        content = bytearray(sound)
        for _ in range(chance.choice([1, 3, 300])):
            content[chance.randrange(len(content))] = chance.randrange(256)
        file.write_bytes(content)
        file.chmod(0o600)
        fresh = Registry(0, str(state))
        for operation in (
            fresh.entries,
            lambda: fresh.register(Program("/new", 0, 2, 0), 0),  # noqa: B023
            lambda: fresh.unregister(7, NOBODY),  # noqa: B023
        ):
            try:
                operation()
            except (FileExistsError, FileNotFoundError):
                pass
            except SyscallError as error:
                assert error.errno_name in ("EIO", "EINVAL"), str(error)
                if "set aside" in str(error):
                    reported += 1
                    aside = str(error).partition("set aside as ")[2].partition(",")[0]
                    assert Path(aside).stat().st_size > 0
    assert reported > 20
    assert len(list(state.glob(f"{NAME}.corrupt-*[0-9]"))) == reported


@pytest.mark.parametrize("session", [None, "another user's", "of a wrong mode", "gone", "relative"])
def test_one_list_whatever_the_session(session: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A login session's runtime directory, which root has after su, is not the machine's."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if session:
        run = tmp_path / "run"
        monkeypatch.setenv("XDG_RUNTIME_DIR", "run" if session == "relative" else str(run))
        if session != "gone":
            run.mkdir(0o777 if session == "of a wrong mode" else 0o700)
        if session == "another user's" and os.geteuid() == 0:
            os.chown(run, 65534, 65534)
    assert statedir.location(None) == "/run/pydfly"


def test_who_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """use() before the environment, the environment not for a set-id program."""
    monkeypatch.setenv("PYDFLY_STATE_DIR", str(tmp_path / "a"))
    assert statedir.location(None) == str(tmp_path / "a")
    assert statedir.location(str(tmp_path / "b")) == str(tmp_path / "b")
    monkeypatch.chdir(tmp_path)
    assert statedir.location("b") == str(tmp_path / "b")
    assert statedir.location("../b") == f"{tmp_path}/../b"
    monkeypatch.setattr(environment.os, "geteuid", lambda: os.getuid() + 1)
    assert statedir.location(None) == "/run/pydfly"


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A directory that an unprivileged user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="pydfly-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_read_only_directory(theirs: Path) -> None:
    """A simulated root who may not write gets an error that says so, and a list that is there can be read."""
    state = theirs / "state"
    state.mkdir(0o500)
    os.chown(state, 65534, 65534)

    def refused() -> str:
        os.setuid(65534)
        with pytest.raises(PermissionError) as caught:
            Registry(0, str(state)).register(Program("/x", 0, 1, 1), 0)
        return str(caught.value)

    assert "PYDFLY_STATE_DIR" in in_process(refused)
    state.chmod(0o700)

    def registered() -> None:
        os.setuid(65534)
        Registry(0, str(state)).register(Program("/x", 0, 1, 1), 0)

    in_process(registered)
    state.chmod(0o500)

    def read() -> tuple[int, str]:
        os.setuid(65534)
        registry = Registry(0, str(state))
        with pytest.raises(PermissionError, match="nothing was changed") as caught:
            registry.register(Program("/y", 0, 1, 2), 0)
        (state / NAME).write_bytes(b"damaged")
        with pytest.raises(SyscallError, match=r"damaged .*cannot be set aside"):
            registry.entries()
        return len(before), caught.value.errno_name

    before = in_process(lambda: (os.setuid(65534), Registry(0, str(state)).entries())[1])
    assert in_process(read) == (1, "EACCES")


def test_a_signal_handler_in_between(state: Path) -> None:
    """It is refused at once, as it would wait for itself for ever; it can read, and the interrupted change goes on."""
    registry = Registry(0, str(state))
    registry.register(Program("/x", 0, 1, 1), 0)
    answers: list[object] = []

    def handler(number: int, frame: object) -> None:
        answers.append(len(registry.entries()))
        try:
            Registry(0, str(state)).register(Program("/y", 0, 1, 2), 0)
        except SyscallError as error:
            answers.append(error.errno_name)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with registry._file.change() as change:
            signal.raise_signal(signal.SIGUSR1)
            change.commit(change.before.without([0]))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert answers == [1, "EDEADLK"]
    assert registry.entries() == []


OPERATIONS = {
    "register": lambda registry: registry.register(Program("/b", 0, 1, 2), 0),
    "unregister": lambda registry: registry.unregister(1, NOBODY),
    "entries": lambda registry: registry.entries(),
}


class Interrupted(Exception):
    """What a signal handler may raise."""


def interrupted_at(step: int, operation: Callable[[], object], event_kind: str) -> bool:
    """Raise in the registry's code before the line or opcode of this number; False if there are fewer."""
    executed = 0

    def trace(frame: FrameType, event: str, _: object) -> object:
        nonlocal executed
        if "/registry/" not in frame.f_code.co_filename or frame.f_code.co_name == "__del__":
            return None
        if frame.f_back is not None and frame.f_back.f_code.co_name == "__del__":  # Python would only report it
            return None
        frame.f_trace_opcodes = event_kind == "opcode"
        executed += event == event_kind
        if event == event_kind and executed == step:
            raise Interrupted
        return trace

    sys._getframe().f_trace_opcodes = event_kind == "opcode"  # 3.12 reports them only if it was asked before
    sys.settrace(trace)
    try:
        operation()
    except Interrupted:
        return True
    finally:
        sys.settrace(None)
    return False


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a file closed as it is forgotten
@pytest.mark.parametrize(("event", "stride", "least"), [("line", 1, 80), ("opcode", 3, 500)])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_exception_anywhere(name: str, event: str, stride: int, least: int, tmp_path: Path) -> None:
    """Whatever a signal handler interrupts: no descriptor stays open, no lock held, the list is before or after."""
    line = 0
    answered: list[bool] = []
    going = True
    gc.collect()  # what earlier tests have left to it may hold descriptors
    while going:
        line += stride
        registry = Registry(0, str(tmp_path / str(line)))
        registry.register(Program("/a", 0, 1, 1), 0)
        before = os.listdir("/proc/self/fd")
        going = interrupted_at(line, lambda: OPERATIONS[name](registry), event)  # noqa: B023
        if len(os.listdir("/proc/self/fd")) > len(before):
            gc.collect()
        assert len(os.listdir("/proc/self/fd")) <= len(before), line  # fewer: the collector came for older ones
        thread = threading.Thread(target=lambda: answered.append(len(registry.entries()) in (0, 1, 2)), daemon=True)  # noqa: B023
        thread.start()
        thread.join(20)
        registry.register(Program("/c", 0, 1, 3), 0)
        assert len(answered) == line // stride, line
    assert all(answered)
    assert line > least


def test_a_killed_writer_leaves_nothing_in_the_way(state: Path) -> None:
    """What it had not renamed yet is thrown away by the next one, whatever it is."""
    registry = Registry(0, str(state))
    registry.register(Program("/x", 0, 1, 1), 0)
    fresh = state / f"{NAME}.new"
    for leave in (lambda: fresh.write_bytes(b"half"), lambda: fresh.symlink_to("/etc/passwd")):
        leave()
        assert len(registry.entries()) > 0
        registry.register(Program("/x", 0, 1, 1 + len(registry.entries())), 0)
        assert not fresh.is_symlink()
        assert not fresh.exists()
    assert len(registry.entries()) == 3


def test_lock_is_given_back(state: Path) -> None:
    """A refused operation leaves no lock behind."""
    registry = Registry(0, str(state))
    registry.register(Program("/x", 0, 1, 1), 0)
    with pytest.raises(FileExistsError):
        registry.register(Program("/x", 0, 1, 1), 0)
    assert in_process(lambda: len(Registry(0, str(state)).entries())) == 1
