"""``--reap-leaks=report``: what tests left behind is noted after each, listed at the end, and ended only then."""

from __future__ import annotations

import time
from collections.abc import Collection

from ..named_tuple import NamedTuple
from ..structs import DescendantInfo
from .births import Origin
from .leaks import Leak, command_line, is_named
from .watch import Watch


class _Suspect(NamedTuple):
    """A process that was there when its test was over, and may still end by itself."""

    since: float
    test: str
    process: DescendantInfo
    origin: Origin
    exempt: Collection[str]


class Report:
    """The list."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._suspects: list[_Suspect] = []
        self._found: list[tuple[DescendantInfo, Origin]] = []  # of which something has to be ended at the end
        self._lines: dict[str, list[str]] = {}

    def test_is_over(self, test: str, exempt: Collection[str]) -> None:
        """Note what the test with this id left behind, but for the names that are exempt (patterns of the shell)."""
        now = time.monotonic()
        self._judge(now)
        found = self._watch.suspects(exempt)
        self._suspects += [_Suspect(now, test, process, origin, exempt) for process, origin in found]

    def finish(self) -> list[str]:
        """Give the last ones their grace, end everything that is listed, and return the lines of the list."""
        while self._suspects:
            self._judge(time.monotonic())
            if self._suspects:
                time.sleep(0.01)
        left = self._watch.alive(self._found)
        survivors = [leak for leak in self._watch.end(left) if not leak.ended] if left else []
        lines = [line for test, told in self._lines.items() for line in (f"{test} left behind:", *told)]
        return lines + [f"not ended: {leak}" for leak in survivors]

    def _judge(self, now: float) -> None:
        """Those that still live after their grace are leaks; the others are not."""
        due = [suspect for suspect in self._suspects if now - suspect.since >= self._watch.grace]
        if not due:
            return
        self._suspects = [suspect for suspect in self._suspects if suspect not in due]
        alive = self._watch.alive([(suspect.process, suspect.origin) for suspect in due])
        now_called = {process.identity: process for process, _ in alive}
        for suspect in due:
            process = now_called.get(suspect.process.identity)
            if process is not None and not is_named(process, suspect.exempt):
                leak = Leak(process, command_line(process), suspect.origin, True)
                self._found.append((process, suspect.origin))
                self._lines.setdefault(suspect.test, []).append(f"  {leak.told(suspect.test)}")
