"""``typing.NamedTuple``'s class syntax, without importing typing or collections.

Both cost a fresh interpreter more time than the whole call ``reaper.status()``, and ``pydfly run`` pays for each
import before its command starts.  What is made here has the names of ``collections.namedtuple``; type checkers see
the real NamedTuple (the modules import it from typing under TYPE_CHECKING).
"""

from __future__ import annotations

from _operator import itemgetter

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
        space |= {"__slots__": (), "__new__": _maker(fields), "_fields": fields, "__match_args__": fields}
        space["_field_defaults"] = {field: body[field] for field in fields if field in body}
        space["__new__"].__defaults__ = tuple(space["_field_defaults"].values())
        return type(name, (_Record,), space)


def _maker(fields: tuple[str, ...]) -> Any:
    """Return ``__new__`` with one parameter for each field: compiled, as checking a call by hand would take longer."""
    names = ", ".join(fields)
    return eval(f"lambda cls, {names}: new(cls, ({names},))", {"new": tuple.__new__})  # noqa: S307  names of ours


class _Record(tuple):  # type: ignore[type-arg]
    __slots__ = ()
    _fields: tuple[str, ...] = ()

    @classmethod
    def _make(cls, values: Iterable[Any]) -> Any:
        return cls(*values)

    def _replace(self, **changes: Any) -> Any:
        return type(self)(**self._asdict() | changes)

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        values = ", ".join(f"{field}={value!r}" for field, value in self._asdict().items())
        return f"{type(self).__name__}({values})"


class NamedTuple(metaclass=_RecordType):
    """Base of a record: ``class Point(NamedTuple)`` with annotated fields becomes a named tuple."""
