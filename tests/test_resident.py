"""The friendly layer of residency: the same on the Linux registry and on the simulated kernel."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pydfly
from pydfly import NotRegistrableError, SyscallError, resident
from pydfly.resident import conf as residentconf
from tests.elves import LOAD, SHARED, elf

BACKENDS = [
    pytest.param("linux", marks=pytest.mark.skipif(sys.platform != "linux", reason="acts on the Linux registry")),
    "sim",
]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Act as root on each backend that a test machine has."""
    options = {"euid": 0, "state_dir": str(tmp_path / "state")} if request.param == "linux" else {}
    with pydfly.use(request.param, **options):
        yield request.param


def program(folder: Path, name: str = "program", content: bytes | None = None) -> Path:
    """Make an executable file."""
    path = folder / name
    path.write_bytes(elf() if content is None else content)
    path.chmod(0o755)
    return path


def test_cycle(backend: str, tmp_path: Path) -> None:
    """Register, list, refuse twice, remove."""
    path = program(tmp_path)
    status = path.stat()
    assert resident.entries() == []
    resident.register(path)
    (entry,) = resident.entries()
    assert (entry.id, entry.path, entry.size) == (1, str(path), status.st_size)
    assert (entry.dev, entry.ino) == (status.st_dev, status.st_ino)
    with pytest.raises(FileExistsError) as caught:
        resident.register(str(path))
    assert isinstance(caught.value, SyscallError)
    assert (caught.value.errno, caught.value.syscall) == (errno.EEXIST, "exec_sys_register")
    assert resident.unregister(1) == 1
    assert resident.entries() == []
    with pytest.raises(FileNotFoundError):
        resident.unregister(1)


def test_an_id_is_no_handle(backend: str, tmp_path: Path) -> None:
    """RX-8: a new id may be a live one, and both go."""
    a, b, c = (program(tmp_path, name) for name in "abc")
    resident.register(a)
    resident.register(b)
    assert resident.unregister(1) == 1
    resident.register(c)
    assert [(entry.id, entry.path) for entry in resident.entries()] == [(2, str(b)), (2, str(c))]
    resident.unregister_program(c)
    assert resident.entries() == []


def test_everything_at_once(backend: str, tmp_path: Path) -> None:
    """The count; 0 where the kernel says ENOENT."""
    assert resident.unregister_all() == 0
    for name in "abc":
        resident.register(program(tmp_path, name))
    assert resident.unregister_all() == 3
    assert resident.unregister_all() == 0
    with pytest.raises(FileNotFoundError):
        resident.unregister(-2)


def test_by_program(backend: str, tmp_path: Path) -> None:
    """Found by the file, under whatever name; ENOENT when it is not resident."""
    path = program(tmp_path)
    resident.register(path)
    os.link(path, tmp_path / "link")
    with pytest.raises(FileExistsError):
        resident.register(tmp_path / "link")
    resident.unregister_program(tmp_path / "link")
    with pytest.raises(FileNotFoundError) as caught:
        resident.unregister_program(path)
    assert isinstance(caught.value, SyscallError)
    assert caught.value.syscall == "exec_sys_unregister"


def test_a_replaced_file_is_not_resident(backend: str, tmp_path: Path) -> None:
    """RX-3: what an update puts in the place of a program is another file; the old entry lingers."""
    path = program(tmp_path)
    resident.register(path)
    program(tmp_path, "new").replace(path)
    resident.register(path)
    assert len(resident.entries()) == 2
    assert len({entry.ino for entry in resident.entries()}) == 2


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (elf(segments=(LOAD,)), "not a dynamic executable"),
        (b"#!/bin/sh\n", "not a dynamic executable"),
        (elf(kind=SHARED), "not a FreeBSD ELF shared object"),
        (elf(kind=SHARED, osabi=9), "resident not supported on shared libraries."),
        (elf()[:70], "can't read program header"),
    ],
)
def test_what_resident_refuses(backend: str, tmp_path: Path, content: bytes, text: str) -> None:
    """ENOEXEC with the tool's text; force registers what has a format at all."""
    path = program(tmp_path, content=content)
    with pytest.raises(NotRegistrableError, match=text) as caught:
        resident.register(path)
    assert caught.value.errno == errno.ENOEXEC
    assert resident.entries() == []
    resident.register(path, force=True)
    assert len(resident.entries()) == 1
    with pytest.raises(NotRegistrableError):
        resident.unregister_program(path, force=False)
    resident.unregister_program(path)


def test_force_has_its_limits(backend: str, tmp_path: Path) -> None:
    """What cannot be executed has no run-time linker that could register it."""
    for content in (b"", b"text", b"#!\n", b"#!/no/such/interpreter\n"):
        with pytest.raises(SyscallError) as caught:
            resident.register(program(tmp_path, content=content), force=True)
        assert caught.value.syscall == "execve"
    a, b = (program(tmp_path, name, b"#!%s\n" % os.fsencode(tmp_path / other)) for name, other in ("ab", "ba"))
    for path in (a, b, program(tmp_path, "self", b"#!%s\n" % os.fsencode(tmp_path / "self"))):
        with pytest.raises(SyscallError, match="no format") as caught:
            resident.register(path, force=True)
        assert caught.value.errno == errno.ENOEXEC
    assert resident.entries() == []


@pytest.mark.parametrize("value", [None, 3, 1.5, [], object()])
def test_wrong_types(backend: str, value: object) -> None:
    with pytest.raises(TypeError):
        resident.register(value)  # type: ignore[arg-type]
    if value != 3:
        with pytest.raises(TypeError):
            resident.unregister(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["linux", "sim"], indirect=True)
def test_an_address_is_told_as_the_kernel_tells_it(backend: str) -> None:
    """intptr_t: the same registration is listed in one way, whichever way it was named."""
    for entry, told in ((0, 0), (-1, -1), (2**64 - 1, -1), (2**63, -(2**63)), (2**63 - 1, 2**63 - 1)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pydfly.UnsafeRegistrationWarning)
            pydfly.exec_sys_register(entry)
        assert [registered.entry_address for registered in resident.entries()] == [told]
        assert pydfly.exec_sys_unregister(-1) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the options of the Linux backend")
def test_what_the_options_of_the_registry_take(tmp_path: Path) -> None:
    """A path of any kind, and an int."""
    for place in (tmp_path, os.fsencode(tmp_path), str(tmp_path)):
        with pydfly.use("linux", euid=0, state_dir=place):
            resident.entries()
    for wrong in ({"state_dir": 5}, {"euid": "0"}, {"euid": 0.0}):
        with pytest.raises(TypeError):
            pydfly.use("linux", **wrong)


def test_wrong_values(backend: str) -> None:
    """Ids beyond a C int; names that no file can have."""
    for id in (2**31, -(2**31) - 1, 10**30):
        with pytest.raises(OverflowError):
            resident.unregister(id)
    with pytest.raises(FileNotFoundError):
        resident.register("")
    with pytest.raises(SyscallError) as caught:
        resident.register("a\0b")
    assert caught.value.errno == errno.EINVAL
    with pytest.raises(OSError, match="File name too long") as long:
        resident.register("x" * 5000)
    assert long.value.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize("backend_without_root", BACKENDS)
def test_others_are_refused(backend_without_root: str, tmp_path: Path) -> None:
    """EPERM for everything; the checks of the file come first, as in the tool."""
    options = {"state_dir": str(tmp_path / "state")} if backend_without_root == "linux" else {}
    path = program(tmp_path)
    with pydfly.use(backend_without_root, euid=1001, **options):
        calls: list[Callable[[], object]] = [
            resident.entries,
            lambda: resident.register(path),
            lambda: resident.unregister(1),
            lambda: resident.unregister_program(path),
            resident.unregister_all,
        ]
        for call in calls:
            with pytest.raises(PermissionError) as caught:
                call()
            assert caught.value.errno == errno.EPERM
        with pytest.raises(NotRegistrableError):
            resident.register(program(tmp_path, "text", b"text"))


@pytest.mark.parametrize(
    "spec",
    [
        "sim:freebsd",
        pytest.param("linux:freebsd", marks=pytest.mark.skipif(sys.platform != "linux", reason="a backend of Linux")),
    ],
)
def test_freebsd_has_no_residency(spec: str, tmp_path: Path) -> None:
    """ENOSYS, before the file is looked at."""
    (tmp_path / "conf").write_text("/bin/sh\n")
    with pydfly.use(spec):
        calls: list[Callable[[], object]] = [
            resident.entries,
            lambda: resident.register("/no/such/file"),
            lambda: resident.unregister(1),
            lambda: resident.unregister_program("/no/such/file"),
            resident.unregister_all,
            lambda: resident.apply_conf(tmp_path / "conf"),
        ]
        for call in calls:
            with pytest.raises(OSError, match="ENOSYS") as caught:
                call()
            assert caught.value.errno == errno.ENOSYS


def test_read_conf(tmp_path: Path) -> None:
    """RC-2: blanks before a line are stripped, so a comment may be indented; one behind a path is part of it."""
    conf = tmp_path / "conf"
    conf.write_bytes(b"# comment\n\n  # indented\n\t/bin/a  \n/bin/b # no comment\n/usr/*/c\n/\xe4\r\x0c\n/last")
    assert resident.read_conf(conf) == ["/bin/a", "/bin/b # no comment", "/usr/*/c", "/\udce4\r\x0c", "/last"]
    with pytest.raises(FileNotFoundError):
        resident.read_conf(tmp_path / "none")


def test_apply_conf(backend: str, tmp_path: Path) -> None:
    """RC-3, RC-4: one file as it is; of several matches those that file(1) calls shared."""
    for folder, names in {"one": "a", "many": "bcd", "shared": "e"}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            program(tmp_path / folder, name)
    program(tmp_path / "many", "static", elf(segments=(LOAD,)))
    program(tmp_path / "many", "text", b"text")
    (tmp_path / "many" / "link").symlink_to("b")
    (tmp_path / "many" / "folder").mkdir()
    text = program(tmp_path, "text", b"text")
    conf = tmp_path / "conf"
    conf.write_text(
        f"{tmp_path}/o*/*\n# nothing\n{tmp_path}/many/*\n{text}\n{tmp_path}/none*\n{tmp_path}/one/a\n{tmp_path}/one\n"
    )
    report = [
        (applied.line, applied.program, applied.error and applied.error.errno_name)
        for applied in resident.apply_conf(conf)
    ]
    assert report == [
        (1, f"{tmp_path}/one/a", None),
        (3, f"{tmp_path}/many/b", None),
        (3, f"{tmp_path}/many/c", None),
        (3, f"{tmp_path}/many/d", None),
        (4, str(text), "ENOEXEC"),
        (5, None, None),
        (6, f"{tmp_path}/one/a", "EEXIST"),
        (7, None, None),
    ]
    assert len(resident.entries()) == 4


def test_apply_conf_without_checks(backend: str, tmp_path: Path) -> None:
    """What register() takes with force."""
    conf = tmp_path / "conf"
    conf.write_text(f"{program(tmp_path, 'pie', elf(kind=SHARED))}\n")
    assert [applied.error and applied.error.errno_name for applied in resident.apply_conf(conf)] == ["ENOEXEC"]
    assert [applied.error for applied in resident.apply_conf(conf, force=True)] == [None]
    assert len(resident.entries()) == 1


def test_errors_say_things_once(backend: str, tmp_path: Path) -> None:
    """Neither the path nor the system's words for an error stand twice in a text."""
    path = program(tmp_path, "text", b"text")
    nothing = tmp_path / "nothing"
    for name, force in ((nothing, False), (nothing, True), (path, False), (path, True), (tmp_path, True)):
        with pytest.raises(SyscallError) as caught:
            resident.register(name, force)
        assert str(caught.value).count(str(name)) == 1
        assert str(caught.value).count(caught.value.strerror or "?") == 1


def test_words_and_names_in_a_conf(tmp_path: Path) -> None:
    """The shell splits a line into words; grep finds its word in a name too."""
    a = program(tmp_path, "a")
    shared = program(tmp_path, "shared-text", b"text")
    (tmp_path / "link").symlink_to("shared-text")
    assert residentconf.expand(f"{a} {shared}") == [str(a), str(shared)]
    assert residentconf.expand(f"{tmp_path}/[!l]*") == [str(a), str(shared)]
    assert residentconf.expand(f"{tmp_path}/*") == [str(a), str(tmp_path / "link"), str(shared)]
    assert residentconf.expand(str(tmp_path)) == []
    assert residentconf.expand(f"{tmp_path}/*\0*") == []
    odd = program(tmp_path, "a\u00a0b\x1cc\u2003")  # no blanks to a shell
    assert residentconf.expand(f"{odd}\t{a}") == [str(odd), str(a)]


@pytest.mark.skipif(sys.platform != "linux", reason="acts on the Linux registry")
def test_a_broken_registry_ends_a_conf(tmp_path: Path) -> None:
    """It is no fault of a program's, so it is not put down to one."""
    conf = tmp_path / "conf"
    conf.write_text(f"{program(tmp_path)}\n")
    (tmp_path / "state").write_text("a file")
    with pydfly.use("linux", euid=0, state_dir=str(tmp_path / "state")), pytest.raises(SyscallError) as caught:
        resident.apply_conf(conf)
    assert caught.value.syscall == "resident registry"
