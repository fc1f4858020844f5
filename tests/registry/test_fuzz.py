"""The registry among random directories, damaged files and names of every kind.

How many: $PYDFLY_STATE_DIRECTORIES (300), $PYDFLY_DAMAGED_REGISTRIES (200), $PYDFLY_NAMES (200); from which
$PYDFLY_FUZZ_SEED (0).  ci/fuzz_registry.sh runs many.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import pydfly
from pydfly import SyscallError, cli
from pydfly.structs import Program
from tests.elves import elf

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the registry stands in for the kernel on Linux")

if sys.platform == "linux":
    from pydfly.backends.registry.file import NAME
    from pydfly.backends.registry.rules import Registry

DIRECTORIES = int(os.environ.get("PYDFLY_STATE_DIRECTORIES", "300"))
DAMAGED = int(os.environ.get("PYDFLY_DAMAGED_REGISTRIES", "200"))
NAMES = int(os.environ.get("PYDFLY_NAMES", "200"))
SEED = int(os.environ.get("PYDFLY_FUZZ_SEED", "0"))

USER, OTHER = 1001, 65534
MODES = [0o700, 0o755, 0o711, 0o750, 0o500, 0o555, 0o770, 0o775, 0o777, 0o1777, 0o1770, 0o2755, 0o1755, 0o757]
Act = Callable[[], object]


@contextmanager
def acting_as(user: int) -> Iterator[None]:
    """Be another user, in no group but its own, for what the kernel is asked meanwhile."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Have a umask for a while."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


class Maze:
    """A random directory tree of several owners, and a random path through it."""

    def __init__(self, base: Path, chance: random.Random, furnished: bool = True) -> None:
        self.base = base
        self.chance = chance
        self.made = [base]
        for _ in range(chance.randrange(1, 8)):
            self._add(chance.choice(self.made))
        self.path = self._path()
        if furnished:
            self._furnish()

    def _name(self) -> str:
        return self.chance.choice(
            ["a", "b", "state", "x y", "\x1b[2J", "new\nline", "\udcff", "名", "...", "-", "n" * 250]
        ) + str(len(self.made))

    def _add(self, above: Path) -> None:
        path = above / self._name()
        if not above.is_dir() or above.is_symlink() or path.exists():
            return
        kind = self.chance.random()
        if kind < 0.68:
            path.mkdir()
            path.chmod(self.chance.choice(MODES))
        elif kind < 0.95:
            target = self.chance.choice(self.made)
            relative = os.path.relpath(target, above)
            path.symlink_to(self.chance.choice([str(target), relative, f"./{relative}/.", path.name, "nowhere"]))
        else:
            path.write_text("a file")
        if self.chance.random() < 0.35:
            owner = self.chance.choice([USER, OTHER])
            os.chown(path, owner, self.chance.choice([0, USER, OTHER]), follow_symlinks=False)
        self.made.append(path)

    def _path(self) -> str:
        path = str(self.chance.choice(self.made[1:] or self.made))
        if self.chance.random() < 0.4:
            path += "/" + self._name()
        if self.chance.random() < 0.1:
            path += "/" + self._name()
        if self.chance.random() < 0.2:
            path = path.replace("/", self.chance.choice(["//", "/./", "/../" if len(path) < 9 else "//"]))
        if self.chance.random() < 0.1:
            path += f"/../{os.path.basename(path)}"
        return path

    def _furnish(self) -> None:
        """Now and then something is where the list should be."""
        file = os.path.join(self.path, NAME)
        if self.chance.random() > 0.15 or not os.path.isdir(self.path):
            return
        what = self.chance.choice(["file", "link", "fifo", "directory"])
        if what == "file":
            Path(file).touch()
            os.chmod(file, self.chance.choice([0o600, 0o644, 0o666, 0o620, 0o400]))
        elif what == "link":
            os.symlink("/etc/passwd", file)
        elif what == "fifo":
            os.mkfifo(file)
        else:
            os.mkdir(file)
        os.chown(file, *self.chance.choice([(0, 0), (USER, USER), (OTHER, 0)]), follow_symlinks=False)


@contextmanager
def maze_in_a_box(chance: random.Random, modes: list[int], furnished: bool = True) -> Iterator[Maze]:
    """Make one two levels below /tmp, so that no ``..`` in it leads there; and take it away."""
    box = Path(tempfile.mkdtemp(prefix="pydfly-maze-"))
    try:
        box.chmod(0o755)
        base = box / "base"
        base.mkdir()
        base.chmod(chance.choice(modes))
        yield Maze(base, chance, furnished)
    finally:
        shutil.rmtree(box)


def way(path: str) -> Iterator[tuple[str, str]]:
    """Yield each directory on the way, by a name without links, and the name that is followed in it.

    By strings and lstat(2), where the package goes by descriptors.
    """
    at, names, steps = "/", path.split("/"), 0
    while names:
        name = names.pop(0)
        if name in ("", "."):
            continue
        yield at, name
        if name == "..":
            at = os.path.dirname(at)
            continue
        there = os.path.join(at, name)
        steps += 1
        if os.path.islink(there) and steps < 1000:
            target = os.readlink(there)
            names = target.split("/") + names
            at = "/" if target.startswith("/") else at
        else:
            at = there
    yield at, ""


def verdict(path: str, user: int) -> str | None:
    """Say why a directory is not safe for a user, None if it is: the rule, written down once more."""
    *steps, (last, _) = way(path)
    for directory, name in steps:
        above = os.lstat(directory)
        if above.st_uid not in (0, user):
            return f"{directory} is of {above.st_uid}"
        if above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX:
            return f"{directory} can be written"
        there = os.path.join(directory, name)
        if os.path.lexists(there) and name != "..":
            status = os.lstat(there)
            if status.st_uid not in (0, user):
                return f"{there} is of {status.st_uid}"
    status = os.lstat(last)
    if status.st_uid != user or status.st_mode & 0o022:
        return f"{last} is not {user}'s alone"
    return None


def attack(path: str, attacker: int) -> str | None:
    """Try as another user to change where the path leads, or what is there; say what succeeded."""
    with acting_as(attacker):
        for directory, name in way(path):
            mode = stat.S_IMODE(os.stat(directory).st_mode) if os.access(directory, os.X_OK, effective_ids=True) else 0
            with suppress(OSError):
                os.chmod(directory, mode)
                return f"chmod {directory}"
            if name in ("", ".."):
                continue
            with suppress(OSError):
                os.rename(os.path.join(directory, name), os.path.join(directory, "stolen"))
                os.rename(os.path.join(directory, "stolen"), os.path.join(directory, name))
                return f"rename {directory}/{name}"
        for act in (
            lambda: os.close(os.open(f"{path}/{NAME}", os.O_RDONLY)),
            lambda: os.close(os.open(f"{path}/{NAME}", os.O_WRONLY)),
            lambda: os.close(os.open(f"{path}/evil", os.O_WRONLY | os.O_CREAT)),
            lambda: os.unlink(f"{path}/{NAME}"),
        ):
            with suppress(OSError):
                act()
                return "the directory itself"
    return None


def try_out(path: str, user: int) -> str | None:
    """Use a place as a user does; return the reason if it is refused."""
    with acting_as(user):
        registry = Registry(0, path)
        try:
            before = len(registry.entries())
            registry.register(Program("/x", 0, 1, 1), 0)
            assert len(registry.entries()) == before + 1
        except SyscallError as error:
            assert error.syscall == "resident registry"
            assert error.reason
            return str(error)
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="gives directories to several users")
def test_random_directories() -> None:
    """Each that is accepted is safe by the rule and against real attempts; each that is refused has a reason."""
    chance = random.Random(SEED)
    seen: Counter[str] = Counter()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(DIRECTORIES):
        with maze_in_a_box(chance, [0o755, 0o755, 0o755, 0o711, 0o1777, 0o777]) as maze:
            user = chance.choice([0, 0, USER])
            with umask(chance.choice([0o022, 0o077, 0, 0o777])):
                refused = try_out(maze.path, user)
            if refused is not None:
                seen["refused"] += 1
                seen[refused.partition(": ")[2].partition(" (")[0]] += 1
                continue
            assert verdict(maze.path, user) is None, maze.path
            for attacker in {USER, OTHER} - {user}:
                assert attack(maze.path, attacker) is None, maze.path
            assert stat.S_IMODE(os.stat(os.path.join(maze.path, NAME)).st_mode) == 0o600
            seen["accepted"] += 1
    print(f"{DIRECTORIES} directories: {dict(seen)}")
    assert seen["accepted"] + seen["refused"] == DIRECTORIES
    assert seen["accepted"] > DIRECTORIES // 20
    assert seen["refused"] > DIRECTORIES // 20
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="gives directories to several users")
def test_nothing_safe_is_refused() -> None:
    """What is refused for its owners or modes is not safe by the rule."""
    chance = random.Random(SEED + 1)
    refusals = 0
    for _ in range(DIRECTORIES // 3):
        with maze_in_a_box(chance, [0o755], furnished=False) as maze:
            user = chance.choice([0, USER])
            refused = try_out(maze.path, user) or ""
            if "EACCES" in refused and "cannot be used" not in refused:
                assert verdict(maze.path, user) is not None, (maze.path, refused)
                refusals += 1
    assert refusals > DIRECTORIES // 60


def damage(content: bytes, chance: random.Random) -> bytes:
    """Change a file as a bad disk, a bad program or a bad day might."""
    made = bytearray(content)
    kind = chance.randrange(9)
    place = chance.randrange(len(content))
    if kind <= 2:
        for _ in range(chance.choice([1, 1, 2, 5])):
            made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    elif kind == 3:
        del made[chance.choice([0, place, len(made) - 1]) :]
    elif kind == 4:
        length = chance.choice([1, 16, 512])
        made[place : place + length] = bytes(len(made[place : place + length]))
    elif kind == 5:
        made[place:place] = chance.choice([made[:place], chance.randbytes(40), b"\0"]) or b"\0"
    elif kind == 6:
        rows = bytes(made).split(b"\0")
        del rows[chance.randrange(len(rows))]
        made = bytearray(b"\0".join(rows))
    elif kind == 7:
        rows = bytes(made).split(b"\0")
        chance.shuffle(rows)
        made = bytearray(b"\0".join(rows))
    else:
        made = bytearray(chance.randbytes(chance.choice([1, 8, 9, 100, len(content)])))
    return bytes(made)


def operations(registry: Registry, chance: random.Random) -> Act:
    """Choose one of the calls that look at the list."""
    nobody = Program("/nobody", 0, 0, 0)
    choices: list[Act] = [
        registry.entries,
        lambda: registry.register(Program("/new", 0, 2, 0), 0),
        lambda: registry.unregister(1, nobody),
        lambda: registry.unregister(-2, nobody),
    ]
    return chance.choice(choices)


def test_damaged_files(tmp_path: Path) -> None:
    """Whatever was changed: the first call says so, what was there is kept under another name, the next one works."""
    chance = random.Random(SEED + 2)
    for number in range(DAMAGED):
        state = tmp_path / str(number)
        registry = Registry(0, str(state))
        for program in range(chance.choice([0, 1, 3, 30])):
            registry.register(Program(f"/x{chance.randbytes(3)!r}", program, 1, program), chance.randrange(2**64))
        registry.register(Program("/last", 0, 1, 10**6), 0)
        file = state / NAME
        sound = file.read_bytes()
        damaged = damage(sound, chance)
        if damaged == sound:
            continue
        file.write_bytes(damaged)
        with pytest.raises(SyscallError, match="the registry was damaged") as caught:
            operations(Registry(0, str(state)), chance)()
        assert caught.value.errno_name == "EIO"
        assert (state / f"{NAME}.corrupt-1").read_bytes() == damaged
        assert registry.entries() == []
        registry.register(Program("/again", 0, 1, 1), 0)
        shutil.rmtree(state)


def test_names(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Any bytes that a file system takes: listed exactly by calls and JSON, on one harmless line each by -l."""
    chance = random.Random(SEED + 3)
    alphabet = [bytes([number]) for number in range(1, 256) if number != 0x2F]
    alphabet += ["\u202e".encode(), "\u2028".encode(), "é".encode(), b"1 2 3 ", b"pydfly-resident 2 "]
    names = {b"".join(chance.choices(alphabet, k=chance.randrange(1, 30))) for _ in range(NAMES)} - {b".", b".."}
    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
        (tmp_path / "programs").mkdir()
        paths = [os.fsdecode(os.path.join(bytes(tmp_path / "programs"), name)) for name in names]
        for path in paths:
            Path(path).write_bytes(elf())
            os.chmod(path, 0o755)
            pydfly.resident.register(path)
        assert [entry.path for entry in pydfly.resident.entries()] == paths
        assert cli.main(["resident", "--json"]) == 0
        assert [entry["path"] for entry in json.loads(capfdbinary.readouterr().out)] == paths
        assert cli.main(["resident", "-l"]) == 0
        lines = capfdbinary.readouterr().out.decode().splitlines()
        assert len(lines) == 1 + len(paths)
        kinds = {unicodedata.category(character) for line in lines for character in line if character != "\t"}
        assert kinds & {"Cc", "Cs", "Zl", "Zp"} == set()
        chance.shuffle(paths)
        for path in paths:
            with suppress(FileNotFoundError):  # it went with another one that had the same id
                pydfly.resident.unregister_program(path)
        assert pydfly.resident.entries() == []
