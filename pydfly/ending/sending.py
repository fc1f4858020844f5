"""One signal to several processes, each addressed so that a reused pid is never hit."""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..backends.protocol import Processes
    from ..structs import DescendantInfo
    from .policy import Orders

    Refusals = list[tuple[DescendantInfo, str]]


def send_each(processes: Processes, orders: Orders, number: int) -> Refusals:
    """Signal each target; return which refused, and why.  A target that has already exited is not counted as a refusal.

    Where a thousand busy processes leave little time to this one, the grace may end before all have been told.
    """
    refused = []
    signal, targets, until = orders
    for target in targets:
        if processes.clock() > until:
            break
        try:
            processes.send(target, number)
        except ProcessLookupError:
            continue
        except OSError as error:
            refused.append((target, describe_refusal(signal, error)))
    return refused


def describe_refusal(signal: str | int, error: OSError) -> str:
    """Say which signal was refused, and how."""
    return f"{signal}: {errno.errorcode.get(error.errno or 0)} ({error.strerror})"
