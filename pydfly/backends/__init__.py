"""Which kernel answers: one choice for the whole process, made at the first call and never at import.

The choice is process-wide on purpose.  With a context variable, a thread started inside
``with use(...)`` would then see the default and call the real kernel.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..structs import BackendInfo
    from .protocol import Backend

_current: Backend | None = None
_chosen: tuple[object, dict[str, Any]] | None = None


def current() -> Backend:
    """Return the backend in force, choosing it now if that was not done yet."""
    global _current
    if _current is None:
        from . import choice

        _current = choice.choose(_chosen)
    return _current


def info() -> BackendInfo:
    """Say which backend is in force, or would be if it were asked for now, and why.  This changes nothing.

    The choice is made once, at the first call, so $PYDFLY_BACKEND changed after that is no longer looked at.

    Raises:
        BackendError: the one that would be chosen cannot work here.
    """
    from . import choice

    return choice.explain(_current, _chosen)


def flavour() -> str:
    """Return the flavour in force, without starting a backend where possible."""
    if _current is not None:
        return _current.flavour
    from . import choice

    return choice.flavour(_chosen)


def is_linux() -> bool:
    """Say whether the Linux backend is in force, or would be, without starting it: real processes, then."""
    import sys

    if _current is not None:
        return _current.name == "linux"
    from . import choice

    return choice.wanted(_chosen)[0] in ("linux", "linux:freebsd", "linux:dragonfly") and sys.platform == "linux"


class use:  # noqa: N801  read as a verb: `with use("sim"):`
    """Take another backend, for the whole process, from now on or for the length of a ``with`` block.

    Args:
        backend: ``"linux"``, ``"linux:freebsd"``, ``"sim"``, ``"native"``, ...; or a simulated process, and this
            program then acts as that process; or an object that is a backend; or None for the automatic choice.
        options: what the backend takes.  ``linux``: ``euid`` (0: a simulated root for the resident registry)
            and ``state_dir`` (a path: where the registry lives).  ``sim``: ``version`` of the simulated kernel,
            ``euid`` (0 if not given) of the acting process, and ``jailed``.

    $PYDFLY_BACKEND, where it is set, wins over every call of use() with a name.

    Raises:
        BackendError: there is no such backend, or it cannot work on this machine.
        TypeError: an option that the backend does not take.
    """

    def __init__(self, backend: object = None, **options: Any) -> None:
        global _current, _chosen
        from . import choice

        before = (_current, _chosen)
        chosen = None if backend is None else (backend, options)
        _current = choice.choose(chosen) if chosen else None
        _chosen = chosen
        self._taken = (_current, _chosen)
        self._before = [before]  # what the end of each block goes back to
        self._entered = False

    def __enter__(self) -> Backend:
        global _current, _chosen
        if self._entered:  # a second block, perhaps within the first
            self._before.append((_current, _chosen))
            _current, _chosen = self._taken
        self._entered = True
        return current()

    def __exit__(self, *exception: object) -> None:
        global _current, _chosen
        _current, _chosen = self._before.pop()
