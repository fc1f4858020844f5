"""The table of differences and the page that is generated from it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pydfly.conformance.behaviour import every
from pydfly.conformance.differences import DIFFERENCES, Difference

RULE = re.compile(r"(K|DP|RS|FG|LC|RF|DS|RX|VR|LD|RC|FR|FP|FK|FD|SH|MO|LX|PY)-[1-9]\d*\Z")
BY_NAME = {known.name: known for known in every()}


@pytest.mark.parametrize("row", DIFFERENCES, ids=lambda row: f"{row.backend}-{row.behaviour}")
def test_each_row_has_a_rule(row: Difference) -> None:
    """A difference that no rule explains is an error, not a difference."""
    assert RULE.match(row.rule)
    assert row.why and row.why[0] != row.why[0].isspace()
    name, _, flavour = row.backend.partition(":")
    assert name in ("linux", "native"), "the simulator has no differences"
    expected = BY_NAME[row.behaviour].expected
    assert set(expected) & ({flavour} if flavour else set(expected))


def test_rows_and_behaviours_are_unique() -> None:
    """One row for one behaviour on one backend, one name for one behaviour."""
    assert [
        key for key, count in Counter((row.backend, row.behaviour) for row in DIFFERENCES).items() if count > 1
    ] == []
    assert [name for name, count in Counter(known.name for known in every()).items() if count > 1] == []


def test_every_behaviour_says_what_it_is() -> None:
    """A sentence and at least one rule."""
    for known in every():
        assert known.sentence.endswith("."), known.name
        assert known.rules and all(RULE.match(rule) for rule in known.rules), (known.name, known.rules)
        assert set(known.expected) <= {"dragonfly", "freebsd"}


def test_the_page_is_generated() -> None:
    """docs/what-works-where.md is what `python ci/what_works_where.py` writes."""
    root = Path(__file__).parents[2]
    command = [sys.executable, str(root / "ci" / "what_works_where.py")]
    page = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, check=True).stdout
    assert (root / "docs" / "what-works-where.md").read_bytes() == page
