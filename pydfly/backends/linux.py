"""The live fallback."""

from __future__ import annotations

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .interface import Backend


def obstacle() -> str | None:
    """Say why this backend cannot work here."""
    return "not there yet"


def start(flavour: str, **options: object) -> Backend:
    """Refuse: the extension is missing."""
    raise errors.BackendError(f"linux:{flavour}: {obstacle()}")
