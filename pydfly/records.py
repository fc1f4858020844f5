"""``typing.NamedTuple``'s class syntax over ``collections.namedtuple``, without importing typing.

typing costs a fresh interpreter more time than the whole call ``reaper.status()``; type checkers see the real
NamedTuple (the modules import it from typing under TYPE_CHECKING).
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _RecordType(type):
    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, body)
        fields = list(body["__annotations__"])
        defaults = [body[field] for field in fields if field in body]
        record = namedtuple(name, fields, defaults=defaults, module=body["__module__"])  # type: ignore[misc]
        for attribute, value in body.items():
            if attribute not in fields and attribute not in {"__module__", "__qualname__", "__annotations__"}:
                setattr(record, attribute, value)
        record.__annotations__ = body["__annotations__"]
        return record


class NamedTuple(metaclass=_RecordType):
    """Base of a record: ``class Point(NamedTuple)`` with annotated fields becomes a named tuple."""
