"""Messages to bytes and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pydfly.supervisor.wire import Unpacker, missing, pack

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


@given(MESSAGES.filter(bool))
def test_the_first_message_can_be_read_alone(messages: list[tuple[str, object]]) -> None:
    """Not one byte of the second is taken."""
    data = b"".join(map(pack, messages))
    taken = b""
    while not (got := Unpacker().feed(taken)):
        wanted = missing(taken)
        taken += data[len(taken) : len(taken) + wanted]
    assert got == messages[:1]
    assert taken == pack(messages[0])
