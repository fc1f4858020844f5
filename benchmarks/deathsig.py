"""The parent-death signal."""

from __future__ import annotations

import ctypes
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial

from pydfly import pdeathsig

from .rows import Row, by_the_clock, timed


def rows() -> Iterator[Row]:
    """Asking for it, in a process that runs; a child that has it from the start."""

    def pyprctl() -> None:
        import pyprctl

        pyprctl.get_pdeathsig()

    def python_prctl() -> None:
        import prctl

        prctl.get_pdeathsig()

    ours = timed(pdeathsig.get, 2000)
    yield Row("pdeathsig.get()", ours, "pyprctl", timed(pyprctl, 2000), 0.4, peers=("pyprctl",), robust=True)
    yield Row(
        "pdeathsig.get() (python-prctl)",
        ours,
        "python-prctl, compiled",
        timed(python_prctl, 2000),
        None,
        peers=("prctl",),
    )

    ours = by_the_clock(lambda: pdeathsig.popen(["true"]).wait())
    for against, preexec_fn, goal in (
        ("subprocess.Popen", None, 1.1),
        ("subprocess.Popen(preexec_fn=...)", _preexec_fn(), 0.4),
    ):
        name = f"child start with pdeathsig armed ({'with' if preexec_fn else 'without'} preexec_fn)"
        yield Row(name, ours, against, by_the_clock(partial(_start, preexec_fn)), goal, pairs=101, robust=True)


def _start(preexec_fn: Callable[[], object] | None) -> None:
    subprocess.Popen(["true"], preexec_fn=preexec_fn).wait()


def _preexec_fn() -> Callable[[], object]:
    """Return what people write."""
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(1, signal.SIGKILL)
