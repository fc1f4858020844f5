"""The resident registry of the Linux backend: the kernel's rules, whatever happens to its files and its users."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pydfly
from pydfly import SyscallError
from pydfly.structs import Program
from tests.processes import eventually, fork, in_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the registry stands in for the kernel on Linux")

if sys.platform == "linux":
    from pydfly.backends.registry import file as registryfile
    from pydfly.backends.registry import rules as module
    from pydfly.backends.registry.rules import Registry


def program(number: int, path: str = "/no/such/file") -> Program:
    """Return a program that exists nowhere: its identity is all that counts."""
    return Program(path, 10 * number, 1, number, 0)


def ids(registry: Registry) -> list[tuple[int, int]]:
    """Return id and inode of each entry."""
    return [(entry.id, entry.ino) for entry in registry.entries()]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A place for a state directory, and its registry forgotten afterwards."""
    yield tmp_path / "state"


@pytest.fixture
def registry(state: Path) -> Registry:
    return Registry(0, str(state))


NOBODY = program(999)


def test_ids_are_counted_as_the_kernel_counts(registry: Registry) -> None:
    """4.2: ids are given again while they live, and one call can remove several entries."""
    registry.register(program(1), 0)
    registry.register(program(2), 0)
    assert ids(registry) == [(1, 1), (2, 2)]
    assert registry.unregister(1, NOBODY) == 1
    registry.register(program(3), 0)
    assert ids(registry) == [(2, 2), (2, 3)]
    assert registry.unregister(2, NOBODY) == 2
    assert ids(registry) == []


def test_own_id_takes_others_along(registry: Registry) -> None:
    """-1 becomes the id of the caller's own entry; unresolved it matches nothing."""
    for number in (1, 2):
        registry.register(program(number), 0)
    registry.unregister(1, NOBODY)
    registry.register(program(3), 0)
    with pytest.raises(FileNotFoundError):
        registry.unregister(-1, NOBODY)
    assert registry.unregister(-1, program(2)) == 2


@pytest.mark.parametrize("id", [0, -1, -2, -3, 7])
def test_nothing_matches(registry: Registry, id: int) -> None:
    """RS-3: -2 on an empty list too."""
    with pytest.raises(FileNotFoundError) as caught:
        registry.unregister(id, NOBODY)
    assert caught.value.errno == errno.ENOENT


def test_all(registry: Registry) -> None:
    for number in range(1, 4):
        registry.register(program(number), 0)
    assert registry.unregister(-2, NOBODY) == 3


def test_twice_is_eexist(registry: Registry) -> None:
    """RX-2, RX-3: by device and inode, not by name."""
    registry.register(program(1, "/a"), 0)
    with pytest.raises(FileExistsError):
        registry.register(program(1, "/b"), 0)


def test_64_bits(registry: Registry) -> None:
    """Addresses and inode numbers above what SQLite's integers hold."""
    big = Program("/no/such/file", 1, 2**64 - 1, 2**64 - 2, 0)
    registry.register(big, 2**64 - 3)
    registry.register(program(1), -1)
    assert [(e.dev, e.ino, e.entry_address) for e in registry.entries()] == [
        (2**64 - 1, 2**64 - 2, 2**64 - 3),
        (1, 1, -1),
    ]


def test_names(registry: Registry, tmp_path: Path) -> None:
    """VR-6, RX-3: a file that was renamed or removed lists with an empty name, and is resident all the same."""
    file = tmp_path / "pro\udce4gram"
    file.write_bytes(b"x")
    registry.register(module.program_at(str(file)), 0)
    os.link(file, tmp_path / "link")
    assert registry.entries()[0].path == str(file)
    file.rename(tmp_path / "elsewhere")
    assert registry.entries()[0].path == ""
    with pytest.raises(FileExistsError):
        registry.register(module.program_at(str(tmp_path / "link")), 0)
    file.write_bytes(b"another file under the old name")
    registry.register(module.program_at(str(file)), 0)
    assert [entry.path for entry in registry.entries()] == ["", str(file)]


def test_others_get_eperm_before_anything(state: Path) -> None:
    """RS-4, VR-1: without looking at ids or files."""
    registry = Registry(1000, str(state))
    for operation in (
        lambda: registry.register(program(1), 0),
        lambda: registry.unregister(12345, NOBODY),
        registry.entries,
    ):
        with pytest.raises(PermissionError) as caught:
            operation()
        assert caught.value.errno == errno.EPERM
    assert not state.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="changes its user id")
def test_real_unprivileged_user(state: Path) -> None:
    """The effective uid of the process decides; the friendly layer gives PermissionError."""

    def script() -> tuple[int, str]:
        with pydfly.use("linux", state_dir=str(state)), pytest.raises(PermissionError) as caught:
            os.setuid(65534)
            pydfly.resident.entries()
        return caught.value.errno or 0, str(caught.value)

    number, text = in_process(script)
    assert number == errno.EPERM
    assert "vm.resident" in text


def test_an_earlier_boot_is_forgotten(registry: Registry, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gone at reboot, and only then."""
    registry.register(program(1), 0)
    assert ids(Registry(0, str(state))) == [(1, 1)]
    monkeypatch.setattr(registryfile, "_boot_id", lambda: "another boot")
    assert ids(Registry(0, str(state))) == []


def test_clock_jumps_do_not_matter(registry: Registry, state: Path) -> None:
    """Times of files play no part."""
    registry.register(program(1), 0)
    for when in (0, 2**33):
        os.utime(state / "resident.db", (when, when))
        assert ids(Registry(0, str(state))) == [(1, 1)]


def test_modes(registry: Registry, state: Path) -> None:
    registry.register(program(1), 0)
    assert state.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o077 == 0 for file in state.iterdir())


@pytest.mark.parametrize(
    ("prepare", "name", "text"),
    [
        (lambda path: path.write_text("a file"), "ENOTDIR", "no directory"),
        (lambda path: path.symlink_to(path.parent), "ENOTDIR", "no directory but a link"),
        (lambda path: path.symlink_to("state"), "ENOTDIR", "no directory but a link"),
        (lambda path: (path.mkdir(), path.chmod(0o777)), "EACCES", "written by others"),
        (lambda path: (path.mkdir(), path.chmod(0o770)), "EACCES", "written by others"),
        (lambda path: (path.mkdir(), (path / "resident.db").symlink_to("/etc/passwd")), "EACCES", "no regular file"),
        (lambda path: (path.mkdir(), (path / "resident.db").mkdir()), "EACCES", "no regular file"),
        (lambda path: (path.mkdir(), os.mkfifo(path / "resident.db")), "EACCES", "no regular file"),
        (
            lambda path: (path.mkdir(), (path / "resident.db").touch(), (path / "resident.db").chmod(0o666)),
            "EACCES",
            "written by others",
        ),
        (
            lambda path: (path.mkdir(), (path / "resident.db").touch(), (path / "resident.db").chmod(0o644)),
            "EACCES",
            "read by others",
        ),
    ],
)
def test_refused_places(state: Path, prepare: object, name: str, text: str) -> None:
    """One clear error, and nothing is touched."""
    assert callable(prepare)
    prepare(state)
    with pytest.raises(SyscallError, match=text) as caught:
        Registry(0, str(state)).entries()
    assert caught.value.errno_name == name


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
@pytest.mark.parametrize("what", ["directory", "file"])
def test_foreign_owner(state: Path, what: str) -> None:
    state.mkdir(mode=0o700)
    file = state / "resident.db"
    file.touch(0o600)
    os.chown(state if what == "directory" else file, 65534, 65534)
    with pytest.raises(PermissionError, match="belongs to user 65534"):
        Registry(0, str(state)).entries()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_root_s_directory_is_not_every_user_s(tmp_path: Path) -> None:
    """What root owns is safe on the way, but no place for another user's list, not even for reading."""

    def script() -> str:
        os.setuid(65534)
        with pytest.raises(PermissionError) as caught:
            Registry(0, "/usr").entries()
        return str(caught.value)

    assert "/usr belongs to user 0, not to this one" in in_process(script)


def test_replaceable_place(tmp_path: Path) -> None:
    """A directory that others could put another one in place of."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(PermissionError, match="replace"):
        Registry(0, str(tmp_path / "open" / "state")).entries()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
@pytest.mark.parametrize("way", ["theirs/state", "theirs/ours/state", "link/state", "ours/back/state", "ours/up/state"])
def test_another_user_on_the_way(tmp_path: Path, way: str) -> None:
    """Wherever another user could lead the way elsewhere: as owner of a directory or of a link, however far above."""
    for directory in ("theirs", "theirs/ours", "theirs/ours/state", "theirs/state", "ours", "ours/state"):
        (tmp_path / directory).mkdir(0o700)
    (tmp_path / "link").symlink_to("ours")
    (tmp_path / "ours/back").symlink_to("../theirs/ours")
    (tmp_path / "ours/up").symlink_to(f"{tmp_path}/theirs/../ours")
    for path in ("theirs", "link"):
        os.chown(tmp_path / path, 65534, 65534, follow_symlinks=False)
    with pytest.raises(PermissionError, match="belongs to user 65534, who could replace what is in it"):
        Registry(0, str(tmp_path / way)).entries()
    assert list(tmp_path.rglob("resident.db*")) == []


def test_links_of_ours_are_followed(tmp_path: Path) -> None:
    """/var/run is one: what leads there is checked as the link is, and loops end."""
    (tmp_path / "place").mkdir()
    (tmp_path / "relative").symlink_to("./place//.")
    (tmp_path / "absolute").symlink_to(tmp_path / "relative")
    (tmp_path / "loop").symlink_to("loop")
    Registry(0, f"{tmp_path}/absolute/../place/../absolute/state").register(program(1), 0)
    assert ids(Registry(0, str(tmp_path / "place" / "state"))) == [(1, 1)]
    with pytest.raises(SyscallError, match="too many symbolic links"):
        Registry(0, str(tmp_path / "loop" / "state")).entries()


def test_a_sticky_directory_is_for_what_is_ours(tmp_path: Path) -> None:
    """As /tmp: another user can neither remove nor replace our directory; but it can put a second name of a link."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    Registry(0, str(tmp_path / "tmp" / "state")).register(program(1), 0)
    (tmp_path / "tmp" / "link").symlink_to(".")
    Registry(0, str(tmp_path / "tmp" / "link" / "state")).register(program(2), 0)
    os.link(tmp_path / "tmp" / "link", tmp_path / "second", follow_symlinks=False)
    with pytest.raises(PermissionError, match="several names"):
        Registry(0, str(tmp_path / "tmp" / "link" / "state")).entries()
    with pytest.raises(PermissionError, match="can be written by others"):
        Registry(0, str(tmp_path / "tmp")).entries()
    if os.geteuid() == 0:
        os.chown(tmp_path / "tmp" / "state", 65534, 65534)
        with pytest.raises(PermissionError, match="belongs to user 65534"):
            Registry(0, str(tmp_path / "tmp" / "state")).entries()


def test_the_umask_does_not_matter(state: Path) -> None:
    """Neither one that takes everything nor one that takes nothing."""
    for umask in (0o777, 0):
        before = os.umask(umask)
        try:
            Registry(0, f"{state}{umask}").register(program(1), 0)
        finally:
            os.umask(before)
        place = Path(f"{state}{umask}")
        assert [path.stat().st_mode & 0o777 for path in (place, place / "resident.db")] == [0o700, 0o600]


def test_no_path_is_opened_twice(state: Path) -> None:
    """Every name is opened once, below the directory that was opened before it; and nothing by a longer path."""
    code = (
        "import sys; from pydfly.backends.registry.rules import Registry; from pydfly.structs import Program\n"
        "registry = Registry(0, sys.argv[1]); opened = []\n"
        "registry.register(Program('/x', 0, 1, 1), 0)\n"
        "def named(event, a):  # a file object tells of its opening once more, with a mode\n"
        "    return event in ('os.rename', 'os.remove') or event == 'open' and a[1] is None\n"
        "sys.addaudithook(lambda event, a: named(event, a) and opened.append(a[0]))\n"
        "registry.register(Program('/x', 0, 1, 2), 0); print(*opened)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(state)], capture_output=True, text=True, check=True)
    fresh = "resident.db.new"
    assert done.stdout.split() == ["/", *state.parts[1:], ".", "resident.db", fresh, fresh]


def test_no_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        Registry(0, str(tmp_path / "no" / "state")).entries()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda content: b"",
    "garbage": lambda content: b"not a registry" * 100,
    "half": lambda content: content[: len(content) // 2],
    "last byte": lambda content: content[:-1],
    "last row": lambda content: content[: content.rindex(b"\0", 0, -10)] + content[-10:],
    "zero page": lambda content: bytes(4096) + content[4096:],
    "doubled": lambda content: content * 2,
    "one bit of a row": lambda content: _flipped(content, len(content) // 2),
    "one bit of the header": lambda content: _flipped(content, 20),
    "one bit of the checksum": lambda content: _flipped(content, len(content) - 4),
    "one bit of the version": lambda content: _flipped(content, content.index(b" ") + 1),
    "a database of pydfly 0.1": lambda content: b"SQLite format 3\0" + bytes(4080),
}


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_set_aside(registry: Registry, state: Path, damage: str) -> None:
    """Reported once, kept under another name, and the registry goes on."""
    for number in range(50):
        registry.register(program(number), 0)
    file = state / "resident.db"
    damaged = DAMAGES[damage](file.read_bytes())
    file.write_bytes(damaged)
    fresh = Registry(0, str(state))
    with pytest.raises(SyscallError, match=r"was set aside as .*corrupt-1, and starts empty now") as caught:
        fresh.entries()
    assert caught.value.errno == errno.EIO
    assert (state / "resident.db.corrupt-1").read_bytes() == damaged
    fresh.register(program(1), 0)
    assert ids(fresh) == [(1, 1)]
    file.write_bytes(b"garbage again")
    with pytest.raises(SyscallError, match="corrupt-2"):
        Registry(0, str(state)).register(program(2), 0)
    assert ids(fresh) == []


def test_newer_format_is_left_alone(registry: Registry, state: Path) -> None:
    """Nothing is lost to an older pydfly."""
    registry.register(program(1), 0)
    file = state / "resident.db"
    whole = file.read_bytes()[:-9].replace(b" 2 ", b" 3 ", 1) + b"\0something new"
    file.write_bytes(whole + b"%08x\0" % zlib.crc32(whole))
    before = file.read_bytes()
    for operation in (lambda: ids(registry), lambda: registry.register(program(2), 0)):
        with pytest.raises(SyscallError, match=r"newer pydfly \(format 3\)") as caught:
            operation()
        assert caught.value.errno_name == "EINVAL"
    assert file.read_bytes() == before


def test_full_disk(registry: Registry, state: Path) -> None:
    """A write that fails changes nothing; the error says so.  (A file size limit stands for the full disk.)"""
    registry.register(program(1), 0)

    def script() -> str:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        with pytest.raises(SyscallError, match="nothing was changed") as caught:
            Registry(0, str(state)).register(program(2), 0)
        return caught.value.errno_name

    assert in_process(script) == "EFBIG"
    assert ids(registry) == [(1, 1)]
    assert [file.name for file in state.iterdir()] == ["resident.db"]


def test_removed_while_open(registry: Registry, state: Path) -> None:
    """An administrator's rm empties the registry for all processes at once."""
    registry.register(program(1), 0)
    (state / "resident.db").unlink()
    assert ids(registry) == []


def test_forked_child_opens_its_own(registry: Registry) -> None:
    """SQLite's connections must not cross a fork."""
    registry.register(program(1), 0)
    in_process(lambda: registry.register(program(2), 0))
    assert ids(registry) == [(1, 1), (2, 2)]


def test_two_processes_lose_nothing(state: Path) -> None:
    """Two processes registering 200 programs at once: none is lost, and ids follow the kernel's counter (RX-8)."""

    def work(base: int) -> None:
        registry = Registry(0, str(state))
        for number in range(base, base + 200):
            registry.register(program(number), 0)

    children = [fork(lambda base=base: work(base)) for base in (1000, 2000)]  # type: ignore[misc]
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    entries = Registry(0, str(state)).entries()
    assert [entry.id for entry in entries] == list(range(1, 401))
    assert {entry.ino for entry in entries} == {*range(1000, 1200), *range(2000, 2200)}


def test_public_layer(state: Path) -> None:
    """exec_sys_register registers the interpreter, with one warning; the raw and the friendly calls share one list."""
    with pydfly.use("linux", euid=0, state_dir=str(state)):
        with pytest.warns(pydfly.UnsafeRegistrationWarning):
            pydfly.exec_sys_register(0x1000)
        with pytest.raises(FileExistsError):
            pydfly.exec_sys_register(0x1000)
        (entry,) = pydfly.resident.entries()
        assert (entry.path, entry.entry_address) == (os.path.realpath(sys.executable), 0x1000)
        assert pydfly.exec_sys_unregister(-1) == 1
        assert eventually(lambda: pydfly.resident.entries() == [])
        for wrong, kind in ((1.5, TypeError), (2**64, OverflowError), ("1", TypeError)):
            with pytest.raises(kind):
                pydfly.exec_sys_register(wrong, unsafe=True)  # type: ignore[arg-type]
        for wrong, kind in ((1.5, TypeError), (2**31, OverflowError), (None, TypeError)):
            with pytest.raises(kind):
                pydfly.exec_sys_unregister(wrong)  # type: ignore[arg-type]
