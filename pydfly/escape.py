"""Texts that others chose, made harmless to read: one function, for every place where a person reads one.

Names of processes and files, arguments and messages may hold any character.  A terminal carries out the
control characters in them: it is retitled, cleared, or made to type; a newline forges a line of a listing, and a
bidirectional override shows a name backwards.  JSON is read by programs and carries the texts exactly instead.
"""

from __future__ import annotations

_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}

# Inclusive ranges of what a terminal or a reader would take for something else than a letter.
_HARMFUL = (
    (0x00, 0x1F),  # C0: ESC, BEL, newline, carriage return, ...
    (0x7F, 0x9F),  # DEL and C1: 0x9B begins a control sequence as ESC [ does
    (0xAD, 0xAD),  # soft hyphen: unseen
    (0x61C, 0x61C),  # Arabic letter mark: changes the direction
    (0x180E, 0x180E),  # Mongolian vowel separator: unseen
    (0x200B, 0x200F),  # zero width, and marks of direction
    (0x2028, 0x202E),  # line and paragraph separator; embeddings and overrides of direction
    (0x2060, 0x206F),  # unseen operators; isolates of direction
    (0xD800, 0xDFFF),  # surrogates: undecodable bytes, and what no encoding can write
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0xE0000, 0xE007F),  # tags: unseen
)


def escape(text: str | bytes) -> str:
    r"""Return a text with everything escaped that would do something else than show itself.

    Control characters become ``\t``, ``\n``, ``\r`` or ``\x1b``; those above ASCII ``\u202e``; a byte that is not
    UTF-8 (as os.fsdecode() keeps it) ``\xff``.  Every other text is returned as it is, its backslashes too: what
    is shown is for reading, and ``--json`` says exactly what a name is.

    Args:
        text: ``str`` as os.fsdecode() makes it, or ``bytes``.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.isprintable():  # nearly always
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    number = ord(character)
    if not any(first <= number <= last for first, last in _HARMFUL):
        return character
    if 0xDC80 <= number <= 0xDCFF:
        return rf"\x{number - 0xDC00:02x}"
    if number > 0xFFFF:
        return rf"\U{number:08x}"
    # \x9b is a byte, \u009b the control character
    return _SHORT.get(character) or (rf"\x{number:02x}" if number < 0x80 else rf"\u{number:04x}")
