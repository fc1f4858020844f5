"""Listing the descendants of this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from pydfly import reaper

from .forest import SHAPES, forest
from .rows import Row, Sample, timed


def rows() -> Iterator[Row]:
    """Flat and deep trees, small and large, on a quiet machine and on a busy one."""
    for count in (10, 100, 1000):
        for shape in SHAPES:
            yield _against_psutil(f"descendants: {count:,}, {shape}", count, shape, 0.2, robust=count < 1000)
    yield _against_psutil(
        "descendants: 10, 2,000 unrelated", 10, "flat", 0.01, outside=partial(forest, 2000, "flat"), pairs=9
    )
    yield _growth(5000, "flat")
    yield _growth(1000, "deep")


def _against_psutil(
    name: str,
    count: int,
    shape: str,
    goal: float,
    outside: Callable[[], AbstractContextManager[object]] = nullcontext,
    pairs: int = 15,
    robust: bool = False,
) -> Row:
    return Row(
        name,
        _listing(count),
        "psutil children(recursive=True)",
        _psutil(count),
        goal,
        peers=("psutil",),
        pairs=pairs,
        outside=outside,
        inside=partial(forest, count, shape),
        robust=robust,
    )


def _listing(count: int) -> Sample:
    """One listing, which must be complete; small ones are repeated so that the clock can see them."""

    def listing() -> None:
        assert len(reaper.descendants()) == count

    return timed(listing, max(1, 200 // count))


def _psutil(count: int) -> Sample:
    def listing() -> None:
        import psutil

        assert len(psutil.Process().children(recursive=True)) == count

    return timed(listing)


def _growth(most: int, shape: str) -> Row:
    """The cost of one descendant among many and among 10."""

    def cost(count: int) -> Sample:
        whole = _listing(count)

        def sample() -> float:
            with forest(count, shape):
                whole()
                return min(whole() for _ in range(3)) / count

        return sample

    return Row(
        f"cost per descendant: {most:,}, {shape}",
        cost(most),
        "itself with 10",
        cost(10),
        1.3,
        pairs=3,
        warm=False,
        note=_how_read,
    )


def _how_read() -> str:
    has_lists = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
    return "" if has_lists else "this kernel keeps no children lists: every process of the machine is read"
