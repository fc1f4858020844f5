"""`pydfly run` in every situation of the table that compares wrappers."""

from __future__ import annotations

import pytest

from benchmarks import wrappers
from tests.conftest import linux_only

pytestmark = linux_only


@pytest.mark.parametrize("row", wrappers.rows(), ids=lambda row: row.name)
def test_what_happens_is_right(row: wrappers.Row) -> None:
    if row.lacking:
        pytest.skip(row.lacking)
    assert row.play(wrappers.wrappers()["pydfly run"]) == row.right


def test_the_page_is_that_of_the_rows() -> None:
    """Each row is in the documentation, and pydfly was right in it when the page was made."""
    lines = wrappers.PAGE.read_text().splitlines()
    for row in wrappers.rows():
        (line,) = [line for line in lines if line.startswith(f"| {row.name} | ")]
        assert line.split(" | ")[2] == "Y", line
