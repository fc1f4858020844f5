"""The list of mutations is alive: each changes one place of the source as it is now."""

from __future__ import annotations

import pytest

from . import mutations
from .mutations import Mutation


@pytest.mark.parametrize("mutation", mutations.MUTATIONS, ids=lambda mutation: mutation.what)
def test_it_applies(mutation: Mutation) -> None:
    """A line that was rewritten takes its mutation along (running them takes minutes, and is done by hand)."""
    source = (mutations.ROOT / mutation.file).read_text()
    assert source.count(mutation.right) == 1 and mutation.wrong != mutation.right
