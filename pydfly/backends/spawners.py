"""The functions that return the pid of a new child, replaced while anything here wants to hear of each.

subprocess, asyncio, ``os.popen()``, multiprocessing's spawn and fork server and ``os.posix_spawn()`` all come down to
these few, and none of them leaves a record of the child.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Spawn = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]

SPAWNERS = (
    ("posix", "posix_spawn"),
    ("posix", "posix_spawnp"),
    ("os", "posix_spawn"),
    ("os", "posix_spawnp"),
    ("_posixsubprocess", "fork_exec"),
    ("subprocess", "_fork_exec"),  # subprocess has a name of its own for it since Python 3.11
)
"""Module and name of each."""
_replaced: list[tuple[Any, str, Any, Any]] = []  # module, name, original, replacement


def replace(spawn: Spawn) -> None:
    """Have ``spawn`` called instead of each, with the original (which it calls), its arguments and its options."""
    for home, name in SPAWNERS:
        if home == "_posixsubprocess":
            import _posixsubprocess as module
        else:
            module = sys.modules.get(home)  # type: ignore[assignment]  # a later import gets the replacement
        original = getattr(module, name, None)
        if original is None or hasattr(original, "_pydfly_original"):
            continue
        replacement = _replacement(original, home, name, spawn)
        setattr(module, name, replacement)
        _replaced.append((module, name, original, replacement))


def put_back() -> None:
    """Put the originals back, except where other code has replaced them meanwhile."""
    for module, name, original, replacement in _replaced:
        if getattr(module, name) is replacement:
            setattr(module, name, original)
    _replaced.clear()


def _replacement(original: Any, home: str, name: str, spawn: Spawn) -> Any:
    def replacement(*arguments: Any, **options: Any) -> Any:
        return spawn(original, arguments, options)

    replacement.__name__ = replacement.__qualname__ = name
    replacement.__doc__, replacement.__module__ = original.__doc__, home
    replacement._pydfly_original = original  # type: ignore[attr-defined]
    return replacement
