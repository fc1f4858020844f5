"""``typing.NamedTuple``'s class syntax, without importing typing or collections.

Both cost a fresh interpreter more time than the whole call ``reaper.status()``, and ``pydfly run`` pays for each
import before its command starts.  What is made here has the names of ``collections.namedtuple``; type checkers see
the real NamedTuple.
"""

from __future__ import annotations

from _operator import itemgetter

__all__ = ["NamedTuple"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class _RecordType(type):
    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, body)
        fields = tuple(body["__annotations__"])
        space = {key: value for key, value in body.items() if key not in fields}
        space |= {field: property(itemgetter(place)) for place, field in enumerate(fields)}
        defaults = {field: body[field] for field in fields if field in body}
        space |= {"__slots__": (), "_fields": fields, "__match_args__": fields, "_field_defaults": defaults}
        return type(name, (_Record,), space)


class _Record(tuple):  # type: ignore[type-arg]
    __slots__ = ()
    _fields: tuple[str, ...] = ()
    _field_defaults: dict[str, Any] = {}

    def __new__(cls, *values: Any, **named: Any) -> Any:
        """Take each field once; a function compiled for it is quicker, but its compilation takes a helper 0.4 ms."""
        rest = cls._fields[len(values) :]
        if rest or named:
            given = cls._field_defaults | named
            if named.keys() - rest or set(rest) - given.keys():
                raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            values += tuple([given[field] for field in rest])
        if len(values) != len(cls._fields):
            raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(values)}")
        return tuple.__new__(cls, values)

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Any:
        """Make it of an iterable; ``tuple.__new__(cls, values)`` is quicker, and does not count them."""
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"{cls.__name__} has {len(cls._fields)} fields, not {len(made)}")
        return made

    def _replace(self, **changes: Any) -> Any:
        values = self._asdict() | changes
        if len(values) != len(self._fields):
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self._fields)}")
        return self._make(values.values())

    __replace__ = _replace  # for copy.replace() of Python 3.13

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        values = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
        return f"{type(self).__name__}({values})"


if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class NamedTuple(metaclass=_RecordType):
        """Base of a record: ``class Point(NamedTuple)`` with annotated fields becomes a named tuple."""
