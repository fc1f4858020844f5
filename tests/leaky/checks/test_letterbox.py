"""Tests of letterbox, some of which leave something behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import letterbox
import pytest

BEFORE = letterbox.open_box("before")  # at import: before any test


@pytest.fixture(scope="module")
def shared() -> Iterator[subprocess.Popen[bytes]]:
    box = letterbox.open_box("shared")
    yield box
    assert box.poll() is None
    letterbox.close_box(box)


@pytest.fixture(scope="class")
def neglected() -> subprocess.Popen[bytes]:
    return letterbox.open_box("neglected")


def test_closed(shared: subprocess.Popen[bytes]) -> None:
    letterbox.close_box(letterbox.open_box("closed"))
    assert shared.poll() is None


def test_forgotten() -> None:
    box = letterbox.open_box("forgotten")
    assert box.poll() is None


def test_daemon() -> None:
    letterbox.install_service("daemon")


class TestNeglected:
    def test_first(self, neglected: subprocess.Popen[bytes]) -> None:
        assert neglected.poll() is None

    def test_last(self, neglected: subprocess.Popen[bytes]) -> None:
        assert neglected.poll() is None


def test_on_its_way_out() -> None:
    subprocess.Popen(["/bin/sh", "-c", "exit 3"])


def test_the_others_live(shared: subprocess.Popen[bytes]) -> None:
    assert shared.poll() is None
    assert BEFORE.poll() is None
    letterbox.close_box(BEFORE)
