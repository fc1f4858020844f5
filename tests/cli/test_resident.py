"""``pydfly resident`` against resident(8): every text, stream, column and exit status, byte for byte."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import pydfly
from pydfly import cli
from pydfly.cli.values import strtol
from tests.elves import DYNAMIC, LOAD, SHARED, elf

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the package's own registry is Linux's")

USAGE = "usage: resident [-l] [-f] [-x id] [-d] [-R] program ...\n"
EMPTY = "no resident binaries to list\n"
HEADER = "Id  \tSize           \tAddress     \tExecutable                    \n"
SUCCESS = "unregister: success\n"
NOTHING = "unregister: No such file or directory\n"
REFUSED = "unregister: Operation not permitted\n"
HEADER_TEXT = "can't read program header"
NOT_DYNAMIC = "not a dynamic executable"
NOT_FREEBSD = "not a FreeBSD ELF shared object"

PROGRAMS = {
    "a": elf(entry=0x401080),
    "b": elf(osabi=9, entry=0x8048100),
    "c": elf(entry=0x800612A40),
    "static": elf(segments=(LOAD,)),
    "pie": elf(kind=SHARED, entry=0x1060),
    "library": elf(kind=SHARED, osabi=9),
    "linuxlib": elf(kind=SHARED, osabi=3),
    "script": b"",
    "text": b"just some text\n",
    "empty": b"",
    "cut": elf()[:100],
    "head": elf()[:20],
    "other": elf(64, False),
    "badlib": elf(kind=SHARED, segments=(DYNAMIC,), count=7),
}


class Call(NamedTuple):
    """One invocation; ``@`` stands for the directory of the programs."""

    words: str
    out: str = ""
    err: str = ""
    status: int = 0


HISTORIES = {
    "listing": [
        Call("-l", EMPTY),
        Call("@/a"),
        Call("-l", HEADER + "1   \t{a}\t0x401080      \t{@/a}\n"),
        Call("@/b @/c"),
        Call(
            "-l",
            HEADER
            + "1   \t{a}\t0x401080      \t{@/a}\n2   \t{b}\t0x8048100     \t{@/b}\n3   \t{c}\t0x612a40      \t{@/c}\n",
        ),
        Call(
            "-lx1",
            HEADER
            + "1   \t{a}\t0x401080      \t{@/a}\n2   \t{b}\t0x8048100     \t{@/b}\n3   \t{c}\t0x612a40      \t{@/c}\n",
        ),
        Call("-R", SUCCESS),
        Call("-l", EMPTY),
    ],
    "registering": [
        Call("@/a"),
        Call("@/a", err="@/a: binary already resident\n", status=1),
        Call("@/link", err="@/link: binary already resident\n", status=1),
        Call("-f @/a", err="@/a: binary already resident\n", status=1),
        Call("-- @/a", err="@/a: binary already resident\n", status=1),
        Call("@/b @/a @/c", err="@/a: binary already resident\n", status=1),
        Call("-d @/link"),
        Call("-d @/a", err="@/a: entry not found\n", status=1),
        Call("-d @/c @/a @/b", err="@/a: entry not found\n", status=1),
        Call("-d @/a @/a", err="@/a: entry not found\n@/a: entry not found\n", status=1),
        Call("-l", EMPTY),
    ],
    "files that are refused": [
        Call("@/none", err="resident: @/none: No such file or directory\n", status=1),
        Call("@/a/b", err="resident: @/a/b: Not a directory\n", status=1),
        Call("@/loop", err="resident: @/loop: Too many levels of symbolic links\n", status=1),
        Call("@", err=f"resident: @: {HEADER_TEXT}: Is a directory\n", status=1),
        Call("@/static", err=f"resident: @/static: {NOT_DYNAMIC}\n", status=1),
        Call("@/script", err=f"resident: @/script: {NOT_DYNAMIC}\n", status=1),
        Call("@/text", err=f"resident: @/text: {NOT_DYNAMIC}\n", status=1),
        Call("@/empty", err=f"resident: @/empty: {NOT_DYNAMIC}\n", status=1),
        Call("@/fifo", err=f"resident: @/fifo: {NOT_DYNAMIC}\n", status=1),
        Call("@/cut", err=f"resident: @/cut: {HEADER_TEXT}\nresident: @/cut: {NOT_DYNAMIC}\n", status=1),
        Call("@/head", err=f"resident: @/head: {NOT_DYNAMIC}\n", status=1),
        Call("@/other", err=f"resident: @/other: {HEADER_TEXT}\nresident: @/other: {NOT_DYNAMIC}\n", status=1),
        Call("@/pie", err=f"resident: @/pie: {NOT_FREEBSD}\n", status=1),
        Call("@/linuxlib", err="resident: @/linuxlib: resident not supported on shared libraries.\n", status=1),
        Call("@/library", err="resident: @/library: resident not supported on shared libraries.\n", status=1),
        Call("@/badlib", err=f"resident: @/badlib: {HEADER_TEXT}\nresident: @/badlib: {NOT_FREEBSD}\n", status=1),
        Call("-d @/pie", err=f"resident: @/pie: {NOT_FREEBSD}\n", status=1),
        Call("-d @/none", err="resident: @/none: No such file or directory\n", status=1),
        Call(
            "@/none @/a @/static",
            err=f"resident: @/none: No such file or directory\nresident: @/static: {NOT_DYNAMIC}\n",
            status=1,
        ),
        Call(
            "@/mode",
            err="resident: @/mode: Permission denied\n@/mode: exit status Operation not permitted\n",
            status=1,
        ),
        Call("-l", HEADER + "1   \t{a}\t0x401080      \t{@/a}\n"),
    ],
    "force": [
        Call("-f @/pie"),
        Call("-f @/pie", err="@/pie: binary already resident\n", status=1),
        Call("-l", HEADER + "1   \t{pie}\t0x1060        \t{@/pie}\n"),
        Call("-d @/pie", err=f"resident: @/pie: {NOT_FREEBSD}\n", status=1),
        Call("-d -f @/pie"),
        Call("-fd @/pie", err="@/pie: entry not found\n", status=1),
        Call("-f @/script"),
        Call("-l", HEADER + "1   \t{a}\t0x401080      \t{@/a}\n"),
        Call("@/a", err="@/a: binary already resident\n", status=1),
        Call("-df @/script"),
        Call(
            "-f @/none",
            err="resident: @/none: No such file or directory\n@/none: exit status Operation not permitted\n",
            status=1,
        ),
        Call(
            "-f @/text",
            err="resident: @/text: Exec format error\n@/text: exit status Operation not permitted\n",
            status=1,
        ),
        Call("-f @", err="resident: @: Permission denied\n@: exit status Operation not permitted\n", status=1),
        Call("@/pie -f", err=f"resident: @/pie: {NOT_FREEBSD}\nresident: -f: No such file or directory\n", status=1),
        Call("-l", EMPTY),
    ],
    "removing by id": [
        Call("-x 1", NOTHING),
        Call("-R", NOTHING),
        Call("-x -2", NOTHING),
        Call("@/a @/b @/c"),
        Call("-x 0", NOTHING),
        Call("-x junk", NOTHING),
        Call("-x -1", NOTHING),
        Call("-x -3", NOTHING),
        Call("-x 12345", NOTHING),
        Call("-x 4", NOTHING),
        Call("-x 1", SUCCESS),
        Call("@/a"),
        Call(
            "-l",
            HEADER
            + "2   \t{b}\t0x8048100     \t{@/b}\n3   \t{c}\t0x612a40      \t{@/c}\n3   \t{a}\t0x401080      \t{@/a}\n",
        ),
        Call("-x3", SUCCESS),
        Call("-l", HEADER + "2   \t{b}\t0x8048100     \t{@/b}\n"),
        Call("-x 0x2", SUCCESS),
        Call("@/a"),
        Call("-x 1x", SUCCESS),
        Call("@/a"),
        Call("-x _01", SUCCESS),
        Call("@/a"),
        Call("-dfx01", SUCCESS),
        Call("@/a @/b"),
        Call("-x -2", SUCCESS),
        Call("-x 4294967297", NOTHING),
        Call("@/a"),
        Call("-x 4294967297", SUCCESS),
        Call("-l", EMPTY),
    ],
    "options": [
        Call("", err=USAGE, status=1),
        Call("-f", err=USAGE, status=1),
        Call("-d -f", err=USAGE, status=1),
        Call("--", err=USAGE, status=1),
        Call("-q", err="resident: illegal option -- q\n" + USAGE, status=1),
        Call("-fq @/a", err="resident: illegal option -- q\n" + USAGE, status=1),
        Call("--help", err="resident: illegal option -- -\n" + USAGE, status=1),
        Call("-h", err="resident: illegal option -- h\n" + USAGE, status=1),
        Call("-x", err="resident: option requires an argument -- x\n" + USAGE, status=1),
        Call("-dx", err="resident: option requires an argument -- x\n" + USAGE, status=1),
        Call("-l -q", EMPTY),
        Call("-lq", EMPTY),
        Call("-f -l @/a", EMPTY),
        Call("-R -q", NOTHING),
        Call("-x 1 -q @/a", NOTHING),
        Call("-x -l", NOTHING),
        Call("-", err="resident: -: No such file or directory\n", status=1),
        Call("-- -l", err="resident: -l: No such file or directory\n", status=1),
        Call("@/a -l", err="resident: -l: No such file or directory\n", status=1),
        Call("-l", HEADER + "1   \t{a}\t0x401080      \t{@/a}\n"),
    ],
}
OTHERS = [
    Call("-l", err="sysctl: vm.resident: Operation not permitted\n", status=1),
    Call("-x 1", REFUSED),
    Call("-x junk", REFUSED),
    Call("-R", REFUSED),
    Call("@/a", err="@/a: exit status Operation not permitted\n", status=1),
    Call("-d @/a", err="@/a: exit status Operation not permitted\n", status=1),
    Call(
        "-f @/pie @/b",
        err="@/pie: exit status Operation not permitted\n@/b: exit status Operation not permitted\n",
        status=1,
    ),
    Call("@/static", err=f"resident: @/static: {NOT_DYNAMIC}\n", status=1),
    Call("", err=USAGE, status=1),
    Call("-q", err="resident: illegal option -- q\n" + USAGE, status=1),
]


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """A directory with a short name, so that a column of 30 is wider than the paths in it."""
    folder = Path(tempfile.mkdtemp(prefix="r", dir=os.path.realpath(tempfile.gettempdir())))
    for name, content in PROGRAMS.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755)
    (folder / "script").write_bytes(b"#!%s/a\n" % os.fsencode(folder))
    (folder / "mode").write_bytes(elf())
    (folder / "mode").chmod(0o644)
    os.link(folder / "a", folder / "link")
    os.mkfifo(folder / "fifo", 0o755)
    (folder / "loop").symlink_to("loop")
    yield folder
    shutil.rmtree(folder)


def filled(text: str, folder: Path) -> str:
    """Put sizes (width 15) and paths (width 30) into a text, and the directory for ``@``."""
    for name, content in PROGRAMS.items():
        text = text.replace(f"{{{name}}}", str(len(content)).ljust(15)).replace(
            f"{{@/{name}}}", f"{folder}/{name}".ljust(30)
        )
    return text.replace("@", str(folder))


def play(calls: list[Call], folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Make the calls one after another, and compare everything each of them does."""
    for call in calls:
        words = [word.replace("_", " ").replace("@", str(folder)) for word in call.words.split()]
        status = cli.main(["resident", *words])
        out, err = capfdbinary.readouterr()
        assert (call.words, out.decode(), err.decode(), status) == (
            call.words,
            filled(call.out, folder),
            filled(call.err, folder),
            call.status,
        )


@pytest.mark.parametrize("name", HISTORIES)
def test_as_root(name: str, programs: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
        play(HISTORIES[name], programs, capfdbinary)


def test_as_another_user(programs: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pydfly.use("linux", euid=1001, state_dir=str(tmp_path / "state")):
        play(OTHERS, programs, capfdbinary)


def test_there_are_enough_of_them() -> None:
    assert sum(map(len, HISTORIES.values())) + len(OTHERS) >= 60


def test_names(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """printf pads in bytes, and writes names as they are; what a terminal would act on is escaped all the same."""
    folder = Path(tempfile.mkdtemp(prefix="r", dir=os.path.realpath(tempfile.gettempdir())))
    names = {
        "ä".encode(): "ä".encode(),
        b"x" * 40: b"x" * 40,
        "名 \\ 前".encode(): "名 \\ 前".encode(),
        b"\xe4": rb"\xe4",
        b"\x1b[2J\n\x07": rb"\x1b[2J\n\x07",
        "\u202e\t".encode(): rb"\u202e\t",
    }
    try:
        for name, shown in names.items():
            path = os.path.join(os.fsencode(folder), name)
            Path(os.fsdecode(path)).write_bytes(elf())
            os.chmod(path, 0o755)
            with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
                assert cli.main(["resident", os.fsdecode(path)]) == 0
                assert cli.main(["resident", "-l"]) == 0
                assert cli.main(["resident", os.fsdecode(path)]) == 1
                assert cli.main(["resident", "-R"]) == 0
            out, err = capfdbinary.readouterr()
            path = os.path.join(os.fsencode(folder), shown)
            assert out.split(b"\n")[1].split(b"\t")[3] == path.ljust(30)
            assert err == path + b": binary already resident\n"
    finally:
        shutil.rmtree(folder)


def test_in_a_process_of_its_own(programs: Path, tmp_path: Path) -> None:
    """The whole way once: the environment names the registry, stdout and stderr are pipes."""
    if os.geteuid() != 0:
        pytest.skip("needs the superuser: the command line has no simulated one")

    def run(*words: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "pydfly", "resident", *words],
            env={**os.environ, "PYDFLY_STATE_DIR": str(tmp_path / "state")},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout, done.stderr

    a = str(programs / "a")
    assert run(a) == (0, "", "")
    assert run(a) == (1, "", f"{a}: binary already resident\n")
    assert run("-l") == (0, HEADER + f"1   \t{len(PROGRAMS['a']):<15}\t0x401080      \t{a:<30}\n", "")
    assert run("-x", "-1") == (0, NOTHING, "")
    assert run("-R") == (0, SUCCESS, "")


def test_freebsd_has_none(programs: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """ENOSYS, in the tool's own way of saying what went wrong."""
    with pydfly.use("sim:freebsd"):
        assert cli.main(["resident", "-l"]) == 1
        assert cli.main(["resident", "-R"]) == 0
        assert cli.main(["resident", str(programs / "a")]) == 1
    out, err = capfdbinary.readouterr()
    assert out == b"unregister: Function not implemented\n"
    assert err.splitlines()[0] == b"sysctl: vm.resident: Function not implemented"


def test_json(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With and without -l; the address is whole here."""
    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
        assert cli.main(["resident", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == []
        cli.main(["resident", str(programs / "c")])
        status = (programs / "c").stat()
        for words in (["--json"], ["--json", "-l"], ["-f", "--json", "-l"]):
            assert cli.main(["resident", *words]) == 0
            assert json.loads(capsys.readouterr().out) == [
                {
                    "id": 1,
                    "entry_address": 0x800612A40,
                    "path": str(programs / "c"),
                    "size": status.st_size,
                    "dev": status.st_dev,
                    "ino": status.st_ino,
                }
            ]


def test_explain(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The collision is told before -x acts on it, and nothing is removed by telling."""
    a, b, c = (str(programs / name) for name in "abc")

    def told(*words: str) -> str:
        capsys.readouterr()
        assert cli.main(["resident", "--explain", *words]) == 0
        return capsys.readouterr().out

    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
        assert "0 resident, the next one gets id 1" in told()
        cli.main(["resident", a, b])
        cli.main(["resident", "-x", "1"])
        cli.main(["resident", c])
        everything = told()
        assert "2 resident, the next one gets id 3" in everything
        assert f"id 2 is shared: -x 2 removes 2 programs: {b}, {c}" in everything
        assert f"-x 2 would remove 2 programs: {b}, {c}" in told("-x", "2")
        assert "would remove nothing" in told("-x", "1")
        assert "would remove nothing" in told("-x", "-1")
        assert f"-R would remove 2 programs: {b}, {c}" in told("-R")
        with pytest.warns(pydfly.UnsafeRegistrationWarning):
            pydfly.exec_sys_register(0)
        assert f"-x -1 would remove 1 program: {os.path.realpath(sys.executable)}" in told("-x", "-1")
        assert [entry.id for entry in pydfly.resident.entries()] == [2, 2, 3]


def test_conf(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report for each program of each line; 1 if any was refused."""
    conf = tmp_path / "resident.conf"
    a, b, static, none = (str(programs / name) for name in ("a", "b", "static", "none"))
    conf.write_text(f"# a comment\n\n{a}\n  {b}\n{a}\n{static}\n{none}\n")
    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
        assert cli.main(["resident", "--conf", str(conf)]) == 1
        assert capsys.readouterr().out.splitlines() == [
            f"{conf}:3: {a}: resident",
            f"{conf}:4: {b}: resident",
            f"{conf}:5: {a}: resident already",
            f"{conf}:6: {static}: not a dynamic executable",
            f"{conf}:7: {none}: matches no program",
        ]
        pydfly.resident.unregister_all()
        conf.write_text(f"{a}\n")
        assert cli.main(["resident", f"--conf={conf}"]) == 0
        assert cli.main(["resident", "--conf", str(tmp_path / "none")]) == 1
        assert "No such file or directory" in capsys.readouterr().err
        assert cli.main(["resident", "--conf"]) == 1


def test_conf_without_checks(programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-f before --conf or behind it: what Linux distributions make are PIE programs."""
    conf = tmp_path / "resident.conf"
    pie, text = (str(programs / name) for name in ("pie", "text"))
    conf.write_text(f"{pie}\n{text}\n")
    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")):
        for words in (["--conf", str(conf)], ["-f", f"--conf={conf}"], ["--conf", str(conf), "-f"]):
            assert cli.main(["resident", *words]) == 1
            first = {"--conf": "not a FreeBSD ELF shared object", "-f": "resident"}[words[0]]
            first = "resident already" if words[-1] == "-f" else first
            assert capsys.readouterr().out.splitlines() == [
                f"{conf}:1: {pie}: {first}",
                f"{conf}:2: {text}: {'Exec format error' if '-f' in words else 'not a dynamic executable'}",
            ]
        for words in (["-d", "--conf", str(conf)], ["--conf", str(conf), "-l"], ["--conf", str(conf), pie]):
            assert cli.main(["resident", *words]) == 1
            assert capsys.readouterr().err.endswith(USAGE)


@pytest.mark.parametrize("damage", ["file for a directory", "newer schema", "garbage"])
def test_broken_registry_is_one_line(damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1 and one line, never a traceback, for every option."""
    state = tmp_path / "state"
    if damage == "file for a directory":
        state.write_text("")
    else:
        state.mkdir(0o700)
        (state / "resident.db").write_bytes(b"garbage" * 1000)
        (state / "resident.db").chmod(0o600)
    for words in (["-l"], ["-x", "1"], ["-R"], ["-f", "/bin/sh"]):
        if damage == "newer schema":
            _make_newer(state / "resident.db")
        elif damage == "garbage":
            (state / "resident.db").write_bytes(b"garbage" * 1000)
        with pydfly.use("linux", euid=0, state_dir=str(state)):
            assert cli.main(["resident", *words]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("pydfly: resident registry: ")
        assert err.count("\n") == 1


def _make_newer(file: Path) -> None:
    whole = b"pydfly-resident 1000 and what it likes\0"
    file.write_bytes(whole + b"%08x\0" % zlib.crc32(whole))


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("  \t7", 7),
        ("7seven", 7),
        ("", 0),
        ("-", 0),
        ("x", 0),
        ("0x", 0),
        ("0xg", 0),
        ("0x1F", 31),
        ("-0X1f", -31),
        ("010", 8),
        ("09", 0),
        ("--7", 0),
        ("4294967295", -1),
        ("2147483648", -(2**31)),
        ("9223372036854775807", -1),
        ("99999999999999999999", -1),
        ("-99999999999999999999", 0),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", 0),
        ("1_0", 1),
    ],
)
def test_strtol(word: str, number: int) -> None:
    """strtol(word, NULL, 0), cut to an int."""
    assert strtol(word) == number


@pytest.mark.skipif(os.geteuid() != 0, reason="the command line has no simulated superuser")
def test_a_long_list(tmp_path: Path) -> None:
    """10,000 entries, each on a line (how fast: the benchmarks say)."""
    from tests.registry.registries import fill

    (tmp_path / "programs").mkdir()
    programs = [tmp_path / "programs" / str(number) for number in range(10_000)]
    fill(tmp_path / "state", programs)
    command = [sys.executable, "-m", "pydfly", "resident", "-l"]
    environment = {**os.environ, "PYDFLY_STATE_DIR": str(tmp_path / "state")}
    done = subprocess.run(command, env=environment, capture_output=True)
    assert done.stdout.count(b"\n") == 10_001
    assert done.stdout.splitlines()[-1].split(b"\t")[3].rstrip() == os.fsencode(programs[-1])
