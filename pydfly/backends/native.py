"""The compiled calls of DragonFly and FreeBSD."""

from __future__ import annotations

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .interface import Backend


def obstacle() -> str | None:
    """Say why this backend cannot work here."""
    return "the extension module pydfly._native is not built"


def start(flavour: str, **options: Any) -> Backend:
    """Refuse: the extension is missing."""
    raise errors.BackendError(f"native:{flavour}: {obstacle()}")
