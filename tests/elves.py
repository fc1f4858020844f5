"""ELF files made by hand, so that tests of their checks need no compiler."""

from __future__ import annotations

import struct

EXECUTABLE, SHARED = 2, 3
LOAD, DYNAMIC, INTERPRETER = 1, 2, 3


def elf(
    bits: int = 64,
    little: bool = True,
    kind: int = EXECUTABLE,
    segments: tuple[int, ...] = (LOAD, DYNAMIC),
    osabi: int = 0,
    entry: int = 0x401000,
    segment_size: int | None = None,
    count: int | None = None,
) -> bytes:
    """Return a file with a header and program headers only."""
    order = "<" if little else ">"
    word = "I" if bits == 32 else "Q"
    header_size, own_segment_size = (52, 32) if bits == 32 else (64, 56)
    ident = bytes([0x7F, *b"ELF", bits // 32, 1 if little else 2, 1, osabi]) + bytes(8)
    header = ident + struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH",
        kind,
        62 if bits == 64 else 3,
        1,
        entry,
        header_size,
        0,
        0,
        header_size,
        own_segment_size if segment_size is None else segment_size,
        len(segments) if count is None else count,
        0,
        0,
        0,
    )
    assert len(header) == header_size
    return header + b"".join(_segment(order, bits, segment) for segment in segments)


def _segment(order: str, bits: int, kind: int) -> bytes:
    if bits == 32:
        return struct.pack(f"{order}8I", kind, 0, 0, 0, 0, 0, 4, 4)
    return struct.pack(f"{order}IIQQQQQQ", kind, 4, 0, 0, 0, 0, 0, 8)
