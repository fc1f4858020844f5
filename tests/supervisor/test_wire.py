"""Messages to bytes and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pydfly.supervisor.wire import GarbageError, Unpacker, pack

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
MESSAGES = st.lists(st.tuples(st.text(), VALUES), max_size=6)


@given(MESSAGES, st.integers(1, 7))
def test_pieces_of_any_size(messages: list[tuple[str, object]], size: int) -> None:
    """Whatever the socket makes of the bytes, the messages come out as they went in."""
    data = b"".join(map(pack, messages))
    unpacker = Unpacker()
    got = [message for at in range(0, len(data), size) for message in unpacker.feed(data[at : at + size])]
    assert got == messages


@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    """What no end of ours has sent is told as garbage, whatever it is, or waits for more."""
    try:
        for message in Unpacker().feed(data):
            assert isinstance(message[0], str)
    except GarbageError:
        return


@pytest.mark.parametrize("body", [b"", b"junk", b"\xa9\x00", b"\xe9\x01\x00\x00\x00", b"(" * 10])
def test_a_frame_that_holds_no_message(body: bytes) -> None:
    with pytest.raises(GarbageError):
        Unpacker().feed(len(body).to_bytes(4, "big") + body)
