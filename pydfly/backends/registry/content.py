"""What stands in the registry's file: a header, a row for each entry, and a checksum over all of it.

::

    pydfly-resident 2 BOOT SERIAL COUNT NUL
    DEV INO BORN ID ADDRESS SIZE PATH NUL       for each entry, oldest first
    CRC32 NUL                                   of every byte before it, 8 hexadecimal digits

Fields are separated by a blank, numbers decimal; only PATH may contain blanks, and nothing contains NUL.  A row begins
with the identity of its file, so that a file is found by a search for bytes.  A file is never changed: a new one takes
its place.  So one that is shorter, longer or otherwise different from what was written has a wrong checksum, and an
empty one is no registry.  Magic word, version and checksum keep their places in all versions.
"""

from __future__ import annotations

from zlib import crc32

from ...named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 2
"""Of the format; 1 was a database of SQLite's."""
_MAGIC = b"pydfly-resident"
_TRAILER = 9  # bytes
_FIRST_VERSION = b"SQLite format 3\0"

Identity = tuple[int, int, int]
"""Device, inode and birth of a file."""


class Damaged(Exception):
    """These bytes are not what was written; the text says how that shows."""


class Newer(Exception):
    """A later version wrote the file; the text is its number."""


class Row(NamedTuple):
    """One entry."""

    dev: int
    """Of the file."""
    ino: int
    """Of the file."""
    born: int
    """Nanoseconds since the epoch, 0 where the system does not tell."""
    id: int
    """Not unique: the kernel gives ids out again."""
    address: int
    """Of the entry point."""
    size: int
    """Bytes."""
    path: bytes
    """The file's own name."""

    def pack(self) -> bytes:
        """Return the row as it stands in the file."""
        return b"%d %d %d %d %d %d %s\0" % self


class Content:
    """One state of the list.

    Attributes:
        serial: number of changes that led to it, in this boot.
    """

    def __init__(self, file: bytes = b"\0", begin: int = 0, end: int = 1, serial: int = 0, count: int = 0) -> None:
        # a long list is not copied: its rows stay in the file that was read, with the NUL before the first of them
        self._file, self._begin, self._end = file, begin, end
        self._added = b""
        self.serial = serial
        self.count = count

    def _lines(self) -> list[bytes]:
        return (self._file[self._begin + 1 : self._end] + self._added).split(b"\0")[:-1]

    def rows(self) -> Iterator[Row]:
        """Yield the entries, oldest first."""
        for line in self._lines():
            dev, ino, born, id, address, size, path = line.split(b" ", 6)
            yield tuple.__new__(Row, (int(dev), int(ino), int(born), int(id), int(address), int(size), path))

    def ids(self) -> list[int]:
        """Return the id of each entry, oldest first."""
        return [int(line.split(b" ", 4)[3]) for line in self._lines()]

    def id_of(self, identity: Identity) -> int | None:
        """Return the id that a file has, None if it is not registered."""
        key = b"\0%d %d %d " % identity
        for text, begin, end in ((self._file, self._begin, self._end), (b"\0" + self._added, 0, None)):
            place = text.find(key, begin, end)
            if place >= 0:
                return int(text[place + len(key) : text.find(b" ", place + len(key))])
        return None

    def with_row(self, row: Row) -> Content:
        """Return the state with one entry more."""
        made = Content(self._file, self._begin, self._end, self.serial + 1, self.count + 1)
        made._added = self._added + row.pack()
        return made

    def without(self, positions: list[int]) -> Content:
        """Return the state without the entries at these positions."""
        gone = set(positions)
        left = [line for place, line in enumerate(self._lines()) if place not in gone]
        body = b"\0".join([b"", *left, b""]) if left else b"\0"
        return Content(body, 0, len(body), self.serial + 1, len(left))

    def pack(self, boot: str) -> list[bytes | memoryview]:
        """Return what stands in a file, in pieces."""
        head = b"%s %d %s %d %d" % (_MAGIC, VERSION, boot.encode(), self.serial, self.count)
        pieces: list[bytes | memoryview] = [head, memoryview(self._file)[self._begin : self._end], self._added]
        checksum = 0
        for piece in pieces:
            checksum = crc32(piece, checksum)
        return [*pieces, b"%08x\0" % checksum]


def unpack(file: bytes, boot: str) -> Content:
    """Read a file; an empty list if an earlier boot left it.

    Damaged: it is not as it was written.  Newer: a later version wrote it.
    """
    if not file:
        raise Damaged("it is empty, as no registry is")
    if file.startswith(_FIRST_VERSION):
        raise Damaged("it is a database, as pydfly 0.1 made them")
    end = len(file) - _TRAILER
    if not file.startswith(_MAGIC) or end < 0:
        raise Damaged("it does not begin as a registry does")
    if file[end:] != b"%08x\0" % crc32(memoryview(file)[:end]):
        raise Damaged("its checksum is wrong")
    begin = file.find(b"\0")
    words = file[:begin].split(b" ")
    if words[1:2] and words[1].isdigit() and int(words[1]) > VERSION:
        raise Newer(words[1].decode())
    try:
        _, _, written, serial, count = words
        content = Content(file, begin, end, int(serial), int(count))
    except ValueError:
        raise Damaged("its header is not one") from None
    return content if written == boot.encode() else Content()
