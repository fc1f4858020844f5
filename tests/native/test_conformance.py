"""The shipped behaviours that need no processes beside the caller, on both stub kernels, in processes of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pydfly.conformance import suite
from pydfly.conformance.behaviour import every

from . import conform

HOLD = {"a-wrong-idtype", "no-process", "the-process-itself", "an-unknown-command"}
HOLD |= {"data-of-acquire-and-release", "null-and-bad-pointers", "what-c-could-not-take"}


@pytest.mark.parametrize("make", [conform.dragonfly, conform.freebsd])
def test_behaviours(
    make: Callable[[], object],
    extension: Callable[[str], ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each holds as it does on the other backends."""
    path = extension(make.__name__).__file__
    assert path
    (tmp_path / make.__name__).symlink_to(Path(path).parent)
    monkeypatch.setenv(conform.FOLDER, str(tmp_path))
    monkeypatch.setitem(sys.modules, "pydfly._native", sys.modules.get("pydfly._native"))
    chosen = [known for known in every() if known.name in HOLD]
    assert {known.name for known in chosen} == HOLD
    stage = suite.machine(make)  # type: ignore[arg-type]
    try:
        results = [suite.check(known, stage) for known in chosen if make.__name__ in known.expected]
    finally:
        stage.close()
    assert [(result.behaviour.name, result.verdict, result.observed) for result in results if not result.good] == []
    assert len(results) >= 6
