"""What goes over the socket of a daemon, both ways, as svc(8) sends it.

A request is a line: the words, one space between them, and a backslash before each space, backslash and newline in
them.  An answer is lines of text, and then a line that is a single dot; a line of the text that is a single dot is
sent as two.  Source: sbin/svc/remote.c, remote_issue() and decode_args().
"""

from __future__ import annotations

import os

END = b".\n"
"""The last line of an answer."""

MOST = 4 << 20
"""Bytes of a request; more is refused."""


# without re, which takes a client longer to load than all that it does
def encode(words: list[str]) -> bytes:
    """Return the line of a request."""
    return b" ".join(_escape(os.fsencode(word)) for word in words) + b"\n"


def _escape(word: bytes) -> bytes:
    return word.replace(b"\\", b"\\\\").replace(b" ", b"\\ ").replace(b"\n", b"\\\n")


def decode(line: bytes) -> list[str]:
    """Return the words of a request, without its newline."""
    if not line:
        return []
    words = [bytearray()]

    def add(text: bytes) -> None:
        first, *others = text.split(b" ")
        words[-1] += first
        words.extend(map(bytearray, others))

    pieces = iter(line.split(b"\\"))
    add(next(pieces))
    for piece in pieces:  # its first byte stands behind a backslash
        words[-1] += piece[:1] or b"\\"
        add(piece[1:] or (b"" if piece else next(pieces, b"")))
    return [os.fsdecode(bytes(word)) for word in words]


class Lines:
    """Requests out of bytes that come in pieces of any size."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._seen = 0  # bytes that hold no end of a request

    @property
    def excessive(self) -> bool:
        """Whether a request has grown beyond MOST."""
        return len(self._bytes) > MOST and not self.waiting()

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._bytes += data

    def next(self) -> bytes | None:
        """Return the next whole request without its newline; None if there is none yet."""
        end = self._end()
        if end < 0:
            return None
        line = bytes(self._bytes[:end])
        del self._bytes[: end + 1]
        self._seen = 0
        return line

    def waiting(self) -> bool:
        """Say whether a whole request is there."""
        return self._end() >= 0

    def _end(self) -> int:
        """Return the place of the first newline that is not escaped, or -1; looks at each byte once."""
        while (place := self._bytes.find(b"\n", self._seen)) >= 0:
            before = place
            while before and self._bytes[before - 1] == 0x5C:
                before -= 1
            if (place - before) % 2 == 0:
                return place
            self._seen = place + 1
        self._seen = len(self._bytes)
        return -1


class Dots:
    """Text on its way into an answer: doubles the dot of each line that is nothing else, across pieces."""

    def __init__(self) -> None:
        self._line = b""  # the beginning of the last line, as far as it matters: "", "." or "x"

    def escape(self, data: bytes) -> bytes:
        """Return the bytes to send for a piece of text."""
        *lines, last = (self._line + data).split(b"\n")
        text = b"".join((b".." if line == b"." else line) + b"\n" for line in lines) + last
        sent = len(self._line)
        self._line = last if last in (b"", b".") else b"x"
        return text[sent:]

    def finish(self) -> bytes:
        """Return what ends the last line, if it has no end, so that the end of the answer stands alone."""
        line, self._line = self._line, b""
        return b"" if not line else b".\n" if line == b"." else b"\n"


def unescape(line: bytes) -> bytes:
    """Return the text of one line of an answer that is not its end."""
    return b".\n" if line == b"..\n" else line
