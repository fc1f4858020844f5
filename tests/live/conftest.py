"""What the programs of these tests find: signals that are not ignored."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _signals() -> Iterator[None]:
    """Take back what nohup(1), or a CI, has set: a signal that is ignored stays ignored in every command."""
    ignored = [number for number in (signal.SIGHUP, signal.SIGQUIT) if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
