"""The rules of the resident registry, apart from where it is kept: which users may change it, which ids are given.

The simulated kernel and the registry of the Linux backend both decide by these functions.

Source: sys/kern/imgact_resident.c.  Its counter ``exec_res_id`` goes up by one for each registration and down by one
for each removal, so that it always is the number of entries; a new id is that number plus one, whether or not an
entry still has it (RX-8: ids are given out again while they live).
"""

from __future__ import annotations

from .errors import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OWN, _ALL = -1, -2  # constants.dragonfly.ResidentId, whose enums a fresh interpreter pays 3 ms for


def require_privilege(privileged: bool, call: str) -> None:
    """Refuse every caller but the superuser outside a jail, before anything else is looked at (RS-4, VR-1).

    Args:
        privileged: the caller's effective uid is 0, and it is not jailed.
        call: ``exec_sys_register``, ``exec_sys_unregister`` or ``vm.resident``.

    Raises:
        PermissionError: EPERM.
    """
    if not privileged:
        raise refusal(call, "EPERM")


def new_id(count: int, registered: bool | None) -> int:
    """Return the id of a new registration: sys_exec_sys_register().

    Args:
        count: how many files are registered.
        registered: whether the file that the caller runs is among them; None if it runs no file.

    Raises:
        FileNotFoundError: ENOENT, the caller runs no file.
        FileExistsError: EEXIST, the file is registered (RX-2: once per file).
    """
    if registered is None:
        raise refusal("exec_sys_register", "ENOENT")
    if registered:
        raise refusal("exec_sys_register", "EEXIST")
    return count + 1  # ++exec_res_id


def removed(ids: Sequence[int], id: int, own: int | None) -> list[int]:
    """Return the positions of the entries that an unregistration removes: sys_exec_sys_unregister().

    Args:
        ids: the ids of all entries, in their order.
        id: what is to be removed; -1: the id of the caller's own entry (and whatever shares it); -2: every entry.
        own: the id of the entry for the file that the caller runs, if there is one.

    Raises:
        FileNotFoundError: ENOENT, no entry has this id; also for -2 on an empty list (RS-3).
    """
    if id == _OWN and own is not None:
        id = own
    positions = [position for position, present in enumerate(ids) if id in (present, _ALL)]
    if not positions:
        raise refusal("exec_sys_unregister", "ENOENT")
    return positions
