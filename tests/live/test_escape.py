"""Nothing escapes: every kind of escapee, every way to end.

$PYDFLY_ESCAPE_ROUNDS: how often each is tried (1).  The long run: ``python -m tests.live.arena 20``.
"""

from __future__ import annotations

import os
import sys

import pytest

from tests.conftest import live_only
from tests.live.arena import ENDINGS, Round
from tests.live.escapees import KINDS

ROUNDS = int(os.environ.get("PYDFLY_ESCAPE_ROUNDS", "1"))
# seconds beyond the grace; far more than it takes, for machines that are busy with other things, or emulated
SLOWEST = 5.0 if sys.platform == "linux" else 20.0


@live_only
@pytest.mark.parametrize("kind", KINDS)
def test_no_process_survives(kind: str) -> None:
    """Whatever it did, and however the end came, no process is left soon after the grace."""
    for ending in ENDINGS * ROUNDS:
        played = Round(kind, ending, grace=0.2).play()
        assert played.left == [], ending
        assert played.seconds < played.grace + SLOWEST, ending
