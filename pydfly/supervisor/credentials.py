"""What a command runs as: users and groups by name or number, checked as ``subprocess.Popen`` does."""

from __future__ import annotations

from collections.abc import Iterable

_LARGEST_ID = 2**32 - 1


def user_of(user: str | int | None) -> int | None:
    """Return the number of a user, which may be too large still.

    KeyError: there is no such name.  TypeError, ValueError: this can be no user.
    """
    if user is None:
        return None
    if isinstance(user, str):
        from pwd import getpwnam

        return getpwnam(user).pw_uid
    if not isinstance(user, int):
        raise TypeError("User must be a string or an integer")
    if user < 0:
        raise ValueError(f"User ID cannot be negative, got {user}")
    return int(user)


def group_of(group: str | int | None) -> int | None:
    """Return the number of a group, which may be too large still.

    KeyError: there is no such name.  TypeError, ValueError: this can be no group.
    """
    if group is None:
        return None
    number = _group_number(group)
    if number < 0:
        raise ValueError(f"Group ID cannot be negative, got {number}")
    return number


def groups_of(groups: Iterable[str | int] | None) -> list[int] | None:
    """Return the numbers of supplementary groups, which may be too large still; errors as for each of them.

    ValueError: it is one string.
    """
    if groups is None:
        return None
    if isinstance(groups, str):
        raise ValueError("Groups must be a list, not a string")  # noqa: TRY004  as subprocess has it
    numbers = [_group_number(group) for group in groups]
    if min(numbers, default=0) < 0:
        raise ValueError(f"Group ID cannot be negative, got {min(numbers)}")
    return numbers


def _group_number(group: object) -> int:
    if isinstance(group, str):
        from grp import getgrnam

        return getgrnam(group).gr_gid
    if not isinstance(group, int):
        raise TypeError(f"Group must be a string or an integer, not {type(group)}")
    return int(group)


def check_ids(user: int | None, group: int | None, groups: list[int] | None) -> None:
    """Check that C's types can hold users and groups; ValueError: one of the groups; OverflowError: user or group."""
    if max(groups or [0]) > _LARGEST_ID:
        raise ValueError("invalid group id")
    if max(group or 0, user or 0) > _LARGEST_ID:
        raise OverflowError("user or group id is greater than maximum")
