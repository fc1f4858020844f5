"""``pydfly replay FILE...``: play recorded scenarios on the simulated kernel and show every difference."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from ..escape import escape
from ..simkernel import scenarios
from . import UsageError
from .options import Parsed

_GZIP = b"\x1f\x8b"
_WIDTH = 40  # of the progress bar, in characters


def main(parsed: Parsed) -> int:
    """Play the files; return the exit status."""
    count = Count()
    for name in parsed.arguments:
        with open(name, "rb") if name != "-" else os.fdopen(os.dup(0), "rb") as file:
            _replay(name, file, count)
    print(f"{count.scenarios} scenarios, {count.operations} operations, {count.differences} differences")
    return 1 if count.differences else 0


class Count:
    """What was played so far, and the line of the present file."""

    scenarios = operations = differences = line = 0


def _replay(name: str, file: BinaryIO, count: Count) -> None:
    progress = Progress(name, file)
    count.line = 0
    try:
        for line in _lines(file):
            count.line += 1
            scenario = scenarios.parse(line)
            for difference in scenarios.play(scenario):
                progress.clear()
                print(escape(str(difference)))
                count.differences += 1
            count.scenarios += 1
            count.operations += len(scenario["ops"])
            progress.show(count)
    except scenarios.BrokenScenario as error:
        progress.clear()
        raise UsageError(f"replay: {name}: line {count.line}: {error}") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        progress.clear()
        raise UsageError(f"replay: {name}: line {count.line + 1}: damaged gzip data: {error}") from None
    progress.clear()


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked if its first bytes say that it is packed."""
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
    if buffered.peek(2)[:2] == _GZIP:
        with gzip.open(buffered) as unpacked:
            yield from unpacked
    else:
        yield from buffered


class Progress:
    """A bar on standard error, where that is a terminal."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.file = file
        self.name = name
        self.size = os.fstat(file.fileno()).st_size
        self.wanted = sys.stderr.isatty()
        self.shown = -1

    def show(self, count: Count) -> None:
        """Draw the bar if it grew since it was last drawn."""
        if not self.wanted:
            return
        done = min(_WIDTH, _WIDTH * self.file.tell() // self.size) if self.size else count.scenarios // 100
        if done != self.shown:
            self.shown = done
            bar = f"[{'#' * done:<{_WIDTH}}] " if self.size else ""
            sys.stderr.write(f"\r{escape(self.name)}: {bar}{count.scenarios} scenarios")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self.wanted and self.shown >= 0:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.shown = -1
