"""One process of a simulated kernel, as a backend."""

from __future__ import annotations

from .. import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .interface import Backend


def obstacle() -> str | None:
    """Say why this backend cannot work here."""
    return "the simulated kernel is not there yet"


def start(flavour: str, **options: Any) -> Backend:
    """Refuse."""
    raise errors.BackendError(f"sim:{flavour}: {obstacle()}")


def of(process: object, **options: Any) -> Backend:
    """Refuse."""
    raise errors.BackendError(f"sim: {obstacle()}")
