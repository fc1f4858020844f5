"""Which processes a helper leaves on purpose: spared, or impossible to end.  It tells those above it before it ends.

They become children of the helper above, which may be ending the orphans of a killed one at that moment.  Without this
list it would take those for left on purpose, too, or the other way round.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

_AT_ONCE = 40  # pids in one piece: shorter than PIPE_BUF, so pieces of several helpers do not mix
_PIECE = 65536


class Leavings:
    """A pipe that a guard and all helpers below it share.  OSError: EMFILE, ENFILE of pipe(2)."""

    def __init__(self) -> None:
        self.descriptors = os.pipe()
        for descriptor in self.descriptors:
            os.set_blocking(descriptor, False)

    def tell(self, pids: Collection[int]) -> None:
        """Say what this process leaves; as much of it as there is room for."""
        words = [b"%d\n" % pid for pid in pids]
        try:
            for begin in range(0, len(words), _AT_ONCE):
                os.write(self.descriptors[1], b"".join(words[begin : begin + _AT_ONCE]))
        except OSError:  # it is full, or was taken away: no reason to end those after all
            return

    def hear(self) -> list[int]:
        """Return the pids that were told since the last time."""
        told = b""
        try:
            while piece := os.read(self.descriptors[0], _PIECE):
                told += piece
        except BlockingIOError:
            pass
        return list(map(int, told.split()))
