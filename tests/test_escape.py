"""Texts of others are harmless where a person reads them."""

from __future__ import annotations

import os
import pickle
import sys
import unicodedata

import pytest

from pydfly import SurvivorsError, errors
from pydfly.escape import escape
from pydfly.structs import Survivor

HOSTILE = "a\x1b]0;owned\x07\x1b[2J\nfake\rline\x9b31m\u202eexe\u2028\x7f\udcff"
SHOWN = r"a\x1b]0;owned\x07\x1b[2J\nfake\rline\u009b31m\u202eexe\u2028\x7f\xff"
DIRECTIONS = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")


def test_what_is_shown() -> None:
    """Each kind of character in its own spelling; an undecodable byte as the byte it is."""
    assert escape(HOSTILE) == SHOWN
    assert escape(os.fsencode("\udcff\x1b")) == r"\xff\x1b"
    assert escape("\ud800\U000e0041\t") == r"\ud800\U000e0041\t"


@pytest.mark.parametrize("text", ["", "/bin/ls", "a b", r"back\slash", "über", "日本語\u3000名", "🙂", "\ue000"])
def test_what_is_left_alone(text: str) -> None:
    """Names in every script, and what is only unusual: blanks, private use, unassigned."""
    assert escape(text) == text


def test_every_character() -> None:
    """Nothing that a terminal acts on or that is unseen is left; what is escaped is ASCII, and stays when repeated."""
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        shown = escape(character)
        changes_direction = unicodedata.bidirectional(character) in DIRECTIONS or number in (0x61C, 0x200E, 0x200F)
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or changes_direction:
            assert shown.isascii(), hex(number)
            assert shown.isprintable(), hex(number)
            assert shown != character
        if shown != character:
            assert not character.isprintable(), hex(number)
            assert escape(shown) == shown
            shown.encode()


def test_texts_of_errors() -> None:
    """str() is for people; the attributes are exact, and an error crosses a process boundary whole."""
    refused = errors.refusal("open", "ENOENT", f"{HOSTILE}: not here")
    assert str(refused).endswith(f": {SHOWN}: not here")
    assert refused.reason == f"{HOSTILE}: not here"
    assert str(pickle.loads(pickle.dumps(refused))) == str(refused)
    left = SurvivorsError([Survivor(7, HOSTILE, "sleeping", HOSTILE)])
    assert f"{SHOWN} (pid 7, sleeping): {SHOWN}" in str(left)
    assert left.survivors[0].name == HOSTILE
