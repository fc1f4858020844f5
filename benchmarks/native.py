"""The native backend: what the package adds to a call, seen on the stub C library that the tests compile."""

from __future__ import annotations

import sys
import tempfile
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydfly

from .rows import Row, repeated

_extension: Any
_STATUS = 3  # PROC_REAP_STATUS of DragonFly, as a C program has it: a plain int
REPEAT = 5000


def rows() -> Iterator[Row]:
    """The status of a domain."""
    from tests.native import building

    lacking = building.lacking()
    yield Row(
        "native: procctl STATUS",
        repeated(_ours, REPEAT),
        "bare lib.procctl and a named tuple",
        repeated(_bare, REPEAT),
        1.6,
        inside=_on_the_stub,
        lacking=f"missing: {lacking}" if lacking else "",
        robust=True,
    )


@contextmanager
def _on_the_stub() -> Iterator[None]:
    """Compile the extension with DragonFly's stub kernel in it, and act on that."""
    global _extension
    from tests.native import building

    with tempfile.TemporaryDirectory() as folder:
        _extension = building.load(building.compile_for("dragonfly", Path(folder)))
        sys.modules["pydfly._native"] = _extension
        with pydfly.use("native:dragonfly"):
            yield


def _ours(number: int) -> None:
    status = pydfly.procctl
    for _ in range(number):
        status(0, 0, _STATUS)


def _bare(number: int) -> None:
    """Do it with one buffer for all calls, as a program with nothing else to do would."""
    procctl, memory = _extension.lib.procctl, _extension.ffi.new("struct reaper_status *")
    record = namedtuple("record", "flags refs pid_head")
    for _ in range(number):
        if procctl(0, 0, _STATUS, memory):
            raise OSError(_extension.ffi.errno, "procctl")
        record(memory.flags, memory.refs, memory.pid_head)
