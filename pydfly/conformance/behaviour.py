"""What a behaviour is: a sentence, the rules behind it, a check that observes, and what is to be observed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from .world import World

Check = Callable[[World], object]

TOPICS = {
    "arguments": "Arguments and the order of checks",
    "reaping": "Reaper domains",
    "counting": "What STATUS counts",
    "deathsig": "The parent-death signal",
    "signals": "Which signals are allowed",
    "residency": "Resident executables",
    "listing": "Members of a FreeBSD domain",
    "killing": "PROC_REAP_KILL",
    "settings": "Other commands of FreeBSD",
}
"""The modules of ``checks``, in the order of the tables, and their headings."""


class Behaviour(NamedTuple):
    """One behaviour of the public API."""

    name: str
    """Unique, from the name of the check."""
    topic: str
    """The module that it is in."""
    sentence: str
    """What it says."""
    rules: tuple[str, ...]
    """Ids of the rules that it follows from."""
    expected: dict[str, object]
    """What is to be observed, by flavour; a flavour that is missing has no such thing."""
    check: Check
    """Observes it in a world."""


_known: list[Behaviour] = []


def behaviour(*rules: str, **expected: Any) -> Callable[[Check], Check]:
    """Make a check a behaviour, that follows from these rules.

    ``expected`` is what is to be observed: ``dragonfly=`` and ``freebsd=``, or ``both=``.
    """
    if "both" in expected:
        expected = dict.fromkeys(("dragonfly", "freebsd"), expected["both"])

    def decorate(check: Check) -> Check:
        topic = check.__module__.rpartition(".")[2]
        sentence = (check.__doc__ or "").strip()
        _known.append(Behaviour(check.__name__.replace("_", "-"), topic, sentence, rules, expected, check))
        return check

    return decorate


def every() -> list[Behaviour]:
    """Return every behaviour, in the order of the tables."""
    for topic in TOPICS:
        import_module(f"{__package__}.checks.{topic}")
    order = list(TOPICS)
    return sorted(_known, key=lambda known: order.index(known.topic))
