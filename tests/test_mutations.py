"""The lists of mutations are alive: each changes one place of the source as it is now."""

from __future__ import annotations

import pytest

from .mutations import ROOMS, ROOT, Mutation, Room, broken, mutations

CASES = [
    pytest.param(room, mutation, id=f"{name}-{mutation.what}")
    for name, room in ROOMS.items()
    for mutation in mutations(room)
]


@pytest.mark.parametrize(("room", "mutation"), CASES)
def test_it_applies(room: Room, mutation: Mutation) -> None:
    """A line that was rewritten takes its mutation along.  (ci/mutations.sh runs the tests against each.)"""
    assert broken(mutation, ROOT / room.base)


def test_a_stale_one_is_told() -> None:
    """What is not in the file cannot be broken, nor what is there twice."""
    for right in ("no such line", "import"):
        with pytest.raises(LookupError):
            broken(Mutation("stale", "tests/mutations.py", right, "wrong"), ROOT)
