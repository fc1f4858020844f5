"""Children that a plain wait passes over on the BSDs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from pydfly.backends import waiting


class Kernel:
    """Dead and living children of two kinds, as FreeBSD's wait shows them."""

    def __init__(self) -> None:
        self.dead: dict[int, list[int]] = {0: [], waiting.LINUX_CLONE: []}
        self.alive = {0: 0, waiting.LINUX_CLONE: 0}

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        kind = waiting.LINUX_CLONE if options < 0 else 0
        assert pid == -1 and options - kind == os.WNOHANG
        if self.dead[kind]:
            return self.dead[kind].pop(), 7
        if not self.alive[kind]:
            raise ChildProcessError
        return 0, 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel with two kinds of children."""
    kernel = Kernel()
    monkeypatch.setattr(waiting, "KINDS", (0, waiting.LINUX_CLONE))
    monkeypatch.setattr(waiting, "waitpid", waiting._of_every_kind(kernel.waitpid))
    yield kernel


def test_both_kinds_are_collected(kernel: Kernel) -> None:
    """A child that only WLINUXCLONE shows is collected, too, and only then no child is left."""
    kernel.dead[0], kernel.dead[waiting.LINUX_CLONE] = [11], [12]
    assert [waiting.waitpid(-1, os.WNOHANG)[0] for _ in range(2)] == [11, 12]
    with pytest.raises(ChildProcessError):
        waiting.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("kind", [0, waiting.LINUX_CLONE])
def test_a_living_child_of_either_kind_is_no_end(kernel: Kernel, kind: int) -> None:
    """ECHILD of one kind proves nothing about the other."""
    kernel.alive[kind] = 1
    assert waiting.waitpid(-1, os.WNOHANG) == (0, 0)


def test_a_kernel_without_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """EINVAL to the flag alone means that there is no such kind."""

    def waitpid(pid: int, options: int) -> tuple[int, int]:
        raise ChildProcessError if options >= 0 else OSError(22, "Invalid argument")

    monkeypatch.setattr(waiting, "KINDS", (0, waiting.LINUX_CLONE))
    with pytest.raises(ChildProcessError):
        waiting._of_every_kind(waitpid)(-1, os.WNOHANG)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there are two kinds")
def test_nothing_is_between_on_linux() -> None:
    """One kind, one call: the functions are those of os."""
    assert (waiting.waitpid, waiting.wait4, waiting.waitid) == (os.waitpid, os.wait4, os.waitid)


def test_the_flag_fits_what_the_calls_take() -> None:
    """A C int; as an unsigned number, 0x80000000, it would be an OverflowError."""
    assert waiting.LINUX_CLONE & 0xFFFFFFFF == 0x80000000
    with pytest.raises(ChildProcessError if not sys.platform.startswith("linux") else OSError):
        os.waitpid(2**22 + 1, os.WNOHANG | waiting.LINUX_CLONE)
