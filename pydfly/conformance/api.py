"""One call of the public API, by its name, as the process that acts makes it: what came back, and all that shows."""

from __future__ import annotations

import warnings
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import pydfly

if TYPE_CHECKING:
    from .recorder import Call, Recorder


class Answer(NamedTuple):
    """What a call of the public API did."""

    value: Any
    """What it returned."""
    error: Exception | None
    """What it raised."""
    calls: list[Call]
    """What it asked the backend."""
    warned: list[str]
    """Names of the classes of its warnings."""


def call(recorder: Recorder, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Answer:
    """Call ``pydfly.NAME`` (``"reaper.acquire"``) on the backend that the recorder stands before.

    A block (``"reaper.acquired"``) is entered and left; the value then says whether the process was a reaper inside.
    """
    recorder.calls = []
    value = failed = None
    with pydfly.use(recorder), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = attrgetter(name)(pydfly)(*arguments, **keywords)
            if hasattr(value, "__enter__"):
                with value:
                    value = pydfly.reaper.owned()
        except Exception as error:  # it is the answer
            failed = error
    return Answer(value, failed, recorder.calls, [warning.category.__name__ for warning in caught])
