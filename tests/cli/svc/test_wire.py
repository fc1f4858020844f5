"""The protocol of the socket: what is encoded is decoded, in pieces of any size, and the tool's bytes are ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydfly.cli.svc import wire

WORD = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)


@given(st.lists(WORD, min_size=1, max_size=10))
def test_words_survive(words: list[str]) -> None:
    """Blanks, backslashes, newlines and empty words at any place."""
    line = wire.encode(words)
    lines = wire.Lines()
    lines.feed(line)
    request = lines.next()
    assert request is not None
    assert lines.next() is None
    assert wire.decode(request) == ([] if words == [""] else words)


@given(st.lists(st.lists(WORD, min_size=2, max_size=4), min_size=1, max_size=5), st.integers(1, 7))
def test_requests_in_pieces(requests: list[list[str]], size: int) -> None:
    """Several on one connection, cut anywhere: half a line is no request yet."""
    data = b"".join(map(wire.encode, requests))
    lines = wire.Lines()
    found = []
    for place in range(0, len(data), size):
        lines.feed(data[place : place + size])
        while (line := lines.next()) is not None:
            found.append(wire.decode(line))
    assert found == requests


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"status", ["status"]),
        (b"-p /x stop web", ["-p", "/x", "stop", "web"]),
        (rb"init web echo a\ b\\c", ["init", "web", "echo", "a b\\c"]),
        (b"a  b", ["a", "", "b"]),
        (b"a ", ["a", ""]),
        (b" a", ["", "a"]),
        (b"", []),
        (b"a\\\nb", ["a\nb"]),
        (b"a\\", ["a\\"]),
        (b"\\x", ["x"]),
        (b"\xff", ["\udcff"]),
    ],
)
def test_decoding(line: bytes, words: list[str]) -> None:
    assert wire.decode(line) == words


def test_a_megabyte_is_read() -> None:
    """Every byte is looked at once, whatever the pieces and backslashes; looking again each time would take hours."""
    for word in ("x" * 1_000_000, " " * 300_000, "\\" * 300_000, "\n" * 300_000):
        data = wire.encode(["logfile", "web", word])
        lines = wire.Lines()
        request = None
        for place in range(0, len(data), 65536):
            lines.feed(data[place : place + 65536])
            request = lines.next()
        assert request is not None
        assert wire.decode(request)[2] == word


@given(st.lists(st.sampled_from([b".", b"..", b"\n", b"x", b".\n", b"\n.\n", b"abc\n", b"", b"\xff\0"]), max_size=30))
def test_text_never_contains_the_end_of_an_answer(pieces: list[bytes]) -> None:
    """Whatever a log holds and however it is cut: no line of it is a single dot, and the reader gets it whole."""
    dots = wire.Dots()
    sent = b"".join(dots.escape(piece) for piece in pieces) + dots.finish()
    text = b"".join(pieces)
    lines = sent.splitlines(keepends=True) if b"\r" not in sent else sent.split(b"\n")
    assert b".\n" not in [line + b"\n" for line in sent.split(b"\n")[:-1]]
    assert sent == b"" or sent.endswith(b"\n")
    got = b"".join(wire.unescape(line + b"\n") for line in sent.split(b"\n")[:-1])
    plain = text if text.endswith(b"\n") or not text else text + b"\n"
    assert got == plain.replace(b"\n..\n", b"\n.\n") or b".." in text, lines
