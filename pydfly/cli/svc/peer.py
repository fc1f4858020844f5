"""Who is at the other end of a socket: only root and the owner of the daemon are listened to."""

from __future__ import annotations

import os
import socket
import struct
import sys

_IS_LINUX = sys.platform.startswith("linux")
_UCRED = struct.Struct("3i")  # Linux: pid, uid, gid
_XUCRED = struct.Struct("=II")  # FreeBSD, DragonFly: cr_version, cr_uid, and more (sys/ucred.h)
_LOCAL_PEERCRED = 1


def user_id(connection: socket.socket) -> int:
    """Return the effective user id that the other end had when it connected.

    Raises:
        OSError: the system does not tell.
    """
    if _IS_LINUX:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
        return int(_UCRED.unpack(data)[1])
    return int(_XUCRED.unpack_from(connection.getsockopt(0, _LOCAL_PEERCRED, 128))[1])


def may_command(connection: socket.socket) -> bool:
    """Say whether the other end is root or the user of this process."""
    try:
        return user_id(connection) in (0, os.geteuid())
    except OSError:
        return False
