"""What cannot be copied, and only its maker can use: supervisors, and handles on domains and services."""

from __future__ import annotations

import os
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .guard_connection import GuardConnection
    from .owner_socket import OwnerSocket


class Single:
    """Cannot be copied or pickled: the end of a copy would end what the original is for."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be copied: what it supervises has one owner")


def check_owner(owner: int) -> None:
    """RuntimeError: this process is a forked copy of the owner."""
    if os.getpid() != owner:
        raise RuntimeError("this process is a forked copy of the owner: only the owner can use its handle")


class Owned(Single):
    """A handle of a guard.  A forked copy of its owner owns nothing."""

    line: OwnerSocket
    """The line to the helper that answers: the warden of a domain, the guard of a service."""
    _number: int
    """Number of its domain; not set before the guard connection has the handle."""

    def __init__(self, guard: GuardConnection) -> None:
        self._guard = guard
        self._owner = os.getpid()
        self._serials = count(1)

    def __del__(self) -> None:
        if os.getpid() == getattr(self, "_owner", None) and hasattr(self, "line"):
            self._hang_up()

    def _hang_up(self) -> None:
        """Let the line go."""
        self.line.hang_up()
        self._guard.forget(self.line)

    def _check_owner(self) -> None:
        """Make the guard connection find this handle; RuntimeError: this is a forked copy of the owner."""
        check_owner(self._owner)
        # every handle is a Domain, though not this base of them
        self._guard.find_again(self, self._number)  # type: ignore[arg-type]
