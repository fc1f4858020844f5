"""Users and groups by name or number, as -u, -g and -G name them."""

from __future__ import annotations

from ...records import NamedTuple

MOST_GROUPS = 16
"""Groups that -G takes: DragonFly's NGROUPS."""


class User(NamedTuple):
    """An entry of the user database."""

    name: str
    """Name."""
    uid: int
    """User id, uid_t."""
    gid: int
    """Id of the user's group, gid_t."""


def user(text: str) -> User:
    """Find a user.

    Raises:
        LookupError: there is none, with the reason in words.
    """
    import pwd

    try:
        entry = pwd.getpwuid(_number(text)) if text[:1].isdigit() else pwd.getpwnam(text)
    except (KeyError, OverflowError, ValueError):
        raise LookupError("no such user") from None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def group(text: str) -> int:
    """Find a group and return its id.

    Raises:
        LookupError: there is none, with the reason in words.
    """
    import grp

    try:
        return (grp.getgrgid(_number(text)) if text[:1].isdigit() else grp.getgrnam(text)).gr_gid
    except (KeyError, OverflowError, ValueError):
        raise LookupError("no such group") from None


def groups_of(who: User, group: int) -> list[int]:
    """Return the groups of a user as initgroups(3) sets them."""
    import os

    return os.getgrouplist(who.name, group)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise LookupError(f"{text} is no number")
    return int(text)
