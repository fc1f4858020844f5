"""The log of a service: what is kept, what is written, and what happens when the disk does not keep up."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydfly.supervisor.services import log as service_log
from pydfly.supervisor.services.log import LOST, LogFile, Ring
from tests.processes import eventually


@given(st.integers(1, 50), st.lists(st.binary(max_size=120), max_size=40))
def test_the_ring_is_the_end_of_the_stream(size: int, pieces: list[bytes]) -> None:
    """Whatever the pieces: whole, in order, and told when something is missing."""
    ring = Ring(size)
    stream = b""
    for piece in pieces:
        before = ring.end
        ring.write(piece)
        stream += piece
        assert ring.since(before) == (piece[-size:], len(piece) > size)
    assert ring.read() == stream[-size:]
    assert ring.end == len(stream)
    assert ring.since(ring.end) == (b"", False)


def test_written_in_order_and_appended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before\n")
    log = LogFile(str(path))
    for number in range(1000):
        log.write(b"%d\n" % number)
    assert log.close()
    assert path.read_bytes() == b"before\n" + b"".join(b"%d\n" % number for number in range(1000))


def test_made_with_mode_0640(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        LogFile(tmp_path / "log").close()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o640


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        LogFile(tmp_path / "none" / "log")
    with pytest.raises(IsADirectoryError):
        LogFile(tmp_path)


def test_reopened_after_a_rename_and_elsewhere(tmp_path: Path) -> None:
    """As newsyslog(8) and logrotate(8) want it; a failure keeps the old file in use."""
    log = LogFile(tmp_path / "log")
    log.write(b"one\n")
    eventually(lambda: (tmp_path / "log").read_bytes() == b"one\n")
    (tmp_path / "log").rename(tmp_path / "log.0")
    log.reopen()
    log.write(b"two\n")
    with pytest.raises(FileNotFoundError):
        log.reopen(tmp_path / "none" / "log")
    log.write(b"three\n")
    eventually(lambda: (tmp_path / "log").read_bytes() == b"two\nthree\n")
    log.reopen(tmp_path / "other")
    log.write(b"four\n")
    assert log.close()
    assert (tmp_path / "log.0").read_bytes() == b"one\n"
    assert (tmp_path / "other").read_bytes() == b"four\n"


class Full:
    """A FIFO that is full stands for a disk that hangs."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        self._filled = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._filled += os.write(writer, b"f" * 4096)
        os.close(writer)

    def drain(self) -> None:
        """Let it be written again."""
        while self._filled:
            self._filled -= len(os.read(self._reader, self._filled))

    def read(self) -> bytes:
        """Return what was written, and let go."""
        content = os.read(self._reader, 65536)
        os.close(self._reader)
        return content


def test_a_disk_that_hangs_costs_lines_not_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes come back at once, and so does the end; a note tells of the loss."""
    monkeypatch.setattr(service_log, "STORE", 5000)
    disk = Full(tmp_path / "fifo")
    log = LogFile(tmp_path / "fifo")
    line = b"x" * 99 + b"\n"
    for _ in range(20000):  # a single write that waited for the disk would never end
        log.write(line)
    assert not log.close(timeout=0.05)
    disk.drain()
    eventually(lambda: log._thread is not None and not log._thread.is_alive())
    content = disk.read()
    assert content.endswith(line + LOST)
    assert set(content[: -len(LOST)].splitlines()) == {line[:-1]}
    assert len(content) <= 5200


def test_a_note_where_lines_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost are whole lines: the note begins a line, and so does what follows it."""
    monkeypatch.setattr(service_log, "STORE", 20)
    disk = Full(tmp_path / "fifo")
    log = LogFile(tmp_path / "fifo")
    log.write(b"half a ")
    log.write(b"l" * 50)
    log.write(b"ine\n")
    disk.drain()
    eventually(lambda: log._stored == 0)
    log.write(b"still lost\nnext\n")
    assert log.close()
    assert disk.read() in (
        b"half a \n" + LOST + b"next\n",
        b"half a \n" + LOST + b"still lost\nnext\n",  # when the end of the line had room already
    )


def test_a_full_disk_loses_lines_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = True
    write = os.write

    def refuse(descriptor: int, data: bytes) -> int:
        if full and descriptor == log.descriptor:
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    log = LogFile(tmp_path / "log")
    monkeypatch.setattr(service_log.os, "write", refuse)
    log.write(b"one\n")
    log.write(b"two\n")
    eventually(lambda: log._stored == 0)
    full = False
    log.write(b"three\nfour\n")
    assert log.close()
    assert (tmp_path / "log").read_bytes() == LOST + b"four\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_dev_full() -> None:
    """The real thing."""
    log = LogFile("/dev/full")
    for _ in range(100):
        log.write(b"line\n")
    assert log.close()
