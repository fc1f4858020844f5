"""The values of options, and the arguments: what a help text calls each kind, and what reads it."""

from __future__ import annotations

import _signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def seconds(text: str) -> float:
    """Read a time: a number of seconds, or of the unit behind it, s, m, h or d, as timeout(1) has them."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        time = float(number) * _UNITS[unit]
    except ValueError:
        time = -1.0
    if "_" in number or not number.isascii() or number.strip() != number or not 0 <= time < float("inf"):
        raise ValueError("is no time, such as 5 or 0.5s (seconds), 10m, 2h, 1d")
    return time


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def strtol(word: str) -> int:
    """Read a number as strtol(word, NULL, 0) and its conversion to int do: junk is 0, and what follows is ignored."""
    text = word.lstrip(" \t\n\v\f\r")
    sign = -1 if text[:1] == "-" else 1
    text = text[1:] if text[:1] in ("+", "-") else text
    base = 10
    if text[:2].lower() == "0x" and text[2:3].lower() in tuple("0123456789abcdef"):
        base, text = 16, text[2:]
    elif text[:1] == "0":
        base = 8
    digits = "0123456789abcdef"[:base]
    number = 0
    for character in text.lower():
        if character not in digits:
            break
        number = number * base + digits.index(character)
    number = max(-(2**63), min(sign * number, 2**63 - 1))
    return (number + 2**31) % 2**32 - 2**31


def signal_number(text: str) -> int:
    """Read a signal: its number, or its name with or without SIG, in whatever case; RTMIN+n and RTMAX-n, too."""
    if text.isascii() and text.isdigit():
        number = int(text)
    else:
        name = text.upper().removeprefix("SIG")
        name, plus, offset = name.partition("+")
        name, minus, offset = (name, plus, offset) if plus else name.partition("-")
        number = getattr(_signal, f"SIG{name}", 0) if name.isalnum() else 0
        if plus or minus:
            wanted = "RTMIN" if plus else "RTMAX"
            known = name == wanted and offset.isascii() and offset.isdigit()
            number = number + (int(offset) if plus else -int(offset)) if known else 0
    if number not in _signal.valid_signals():
        raise ValueError("is no signal")
    return int(number)


def _process_id(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < len(text.lstrip("0")) < 20:  # int() has a limit
        raise ValueError(f"{text!r} is not a pid")
    return int(text)


def _shell(text: str) -> str:
    if text not in SHELLS:
        raise ValueError(f"{text!r} is none of {', '.join(SHELLS)}")
    return text


def kill_mode(text: str) -> str:
    """Read which processes get the stop signal: ``mixed`` or ``everyone``."""
    from ..ending.policy import MODES  # not at each start

    if text not in MODES:
        raise ValueError(f"is none of {', '.join(MODES)}")
    return text


def _status(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 256:
        raise ValueError("is no exit status from 1 to 255")
    return int(text)


# the kinds of values: the word for one in a help text, and what reads it
VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "file": ("FILE", str),
    "glob": ("GLOB", str),
    "id": ("ID", str),
    "mode": ("mixed|everyone", kill_mode),
    "signal": ("SIG", signal_number),
    "status": ("STATUS", _status),
    "time": ("T", seconds),
}

# what a command takes besides options: how many at least and at most, what one is called, and what reads it
ARGUMENTS: dict[str, tuple[int, float, str, Callable[[str], Any]]] = {
    "": (0, 0, "argument", str),
    "command": (1, float("inf"), "command", str),
    "directive": (1, float("inf"), "directive", str),
    "files": (1, float("inf"), "file", str),
    "pid": (0, 1, "pid", _process_id),
    "shell": (1, 1, "shell", _shell),
    "topic": (0, 1, "topic", str),
}

SHELLS = ("bash", "zsh", "fish")
"""The shells that completion is made for."""
