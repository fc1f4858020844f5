"""Which system-call numbers each kernel has, and of what kind its slots are.

Sources: sys/kern/syscalls.master and sys/sys/syscall.h of each system.  A number that is in none of the sets below
has an implementation, whether or not this model has it too.
"""

from __future__ import annotations

from ...named_tuple import NamedTuple


def numbers(text: str) -> frozenset[int]:
    """Read ``"8 108-114"`` as a set."""
    found: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


class Layout(NamedTuple):
    """The slots of one kernel's table."""

    size: int
    """``SYS_MAXSYSCALL``: valid numbers are below it."""
    free: frozenset[int]
    """Slots that are given to a module that asks for any number (``lkmnosys``)."""
    reserved: frozenset[int]
    """Slots that wait for a module of the system's own (``lkmressys``)."""
    old: frozenset[int]
    """Calls of 4.3BSD, which a usual kernel is built without (``nosys``, but never absent)."""
    absent: frozenset[int]
    """Slots without a call (``nosys``)."""


_FREE = numbers("210-219")
_RESERVED = numbers(
    "154-155 169-171 220-222 224-231 339 377 400-408 441 457-462 471-474 505 510-512 576"
)  # NFS, System V IPC, AFS, POSIX semaphores and queues, SCTP, RPC
_OLD = numbers(
    "8 19 38 40 46 48 52 62-64 71 84 87-88 99 101-103 108-114 125 129-130 141-146 149-150 156"
)  # sys/kern/syscalls.master: COMPAT
_ABSENT = numbers(
    "11 67-68 76-77 91 94 107 115 119 139 151-153 159 167-168 172 177-180 184-187 193 208 223 245-246 249 252 258-271"
    " 273 275 277 281-288 291-296 313 322-323 364-370 375 379-383 399 418-420 440 467-470 514 521 548-549"
)

LAYOUTS = {
    ("freebsd", "13.2"): Layout(584, _FREE, _RESERVED, _OLD, _ABSENT | {580}),
    ("freebsd", "main"): Layout(603, _FREE, _RESERVED - {505}, _OLD, _ABSENT | {505}),
    ("dragonfly", "6.4"): Layout(
        555,
        _FREE,
        frozenset(),
        frozenset(),
        numbers(
            "8 11 19 38 40 46 48 52 62-64 67-68 71 76-77 84 87-88 91 94 99 101-103 107-115 119 125 129-130 139 141-146"
            " 149-154 156 159-160 167-168 172 175 177-180 184-187 193 208 223 235-239 241-249 255-271 273 278-288"
            " 291-296 313 336 339 365-391 394-449 534-535"
        ),
    ),
}
"""By flavour and version."""
