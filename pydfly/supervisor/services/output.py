"""The output of a service on its way from the pipe to memory, to the log file, and to a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from .event_loop import EventLoop
from .log import LogFile, Ring

_PIECE = 65536
_PIECES = 16  # at most in one go, so that a noisy service leaves time for everything else


class Output:
    """What a service writes.

    One pipe for all its runs, of which this process holds both ends: it never ends, and nothing in it is lost.
    OSError: the log file cannot be opened, or there are no descriptors left.
    """

    def __init__(self, loop: EventLoop, ring: int, log: str | None, changed: Callable[[], None]) -> None:
        self.ring = Ring(ring)
        self.echo: LogFile | None = None
        """Where output is copied to besides."""
        self.log_path = log
        self._loop = loop
        self._changed = changed
        self._is_held = False
        self._log = None if log is None or log == os.devnull else LogFile(log)
        try:
            self._end, self.pipe = os.pipe()
        except OSError:
            if self._log:
                self._log.close()
            raise
        os.set_blocking(self._end, False)
        loop.watch(self._end, self.read)

    def use_log(self, path: str | None) -> None:
        """Open the log file again, or another; ``/dev/null`` for none.

        OSError: it cannot be opened; the old one stays in use.
        """
        path = self.log_path if path is None else path
        if path == os.devnull:
            if self._log:
                self._log.close(0.5)
            self._log = None
        elif self._log:
            self._log.reopen(path)
        elif path is not None:
            self._log = LogFile(path)
        self.log_path = path

    def say(self, text: str) -> None:
        """Put a line of this process's own among the output."""
        self.read()
        self._keep(os.fsencode(text) + b"\n")

    def hold(self) -> None:
        """Take nothing until ``go_on``: what a command writes may be here before the news that it was started."""
        self._is_held = True
        self._loop.interest(self._end, read=False, write=False)

    def go_on(self) -> None:
        """Take what was held, and all that follows."""
        if self._is_held:
            self._is_held = False
            self._loop.interest(self._end, read=True, write=False)
            self.read()

    def read(self) -> None:
        """Take what is in the pipe, as far as one turn allows."""
        for _ in range(0 if self._is_held else _PIECES):
            try:
                data = os.read(self._end, _PIECE)
            except BlockingIOError:
                break
            self._keep(data)

    def drain(self) -> None:
        """Take all that is in the pipe: its writers are gone."""
        with suppress(BlockingIOError):
            while True:
                self._keep(os.read(self._end, _PIECE))

    def close(self) -> None:
        """Write what is left, and let go."""
        self.drain()
        self._loop.forget(self._end)
        os.close(self._end)
        os.close(self.pipe)
        for log in (self._log, self.echo):
            if log:
                log.close()

    def _keep(self, data: bytes) -> None:
        self.ring.write(data)
        for log in (self._log, self.echo):
            if log:
                log.write(data)
        self._changed()
