"""The parent-death signal."""

from __future__ import annotations

from collections.abc import Iterator

from pydfly import pdeathsig

from .rows import Row, timed


def rows() -> Iterator[Row]:
    """Asking for it, in a process that runs."""

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
