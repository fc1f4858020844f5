"""What crosses the boundary between program and kernel, as immutable named tuples.

``ReaperStatus`` and the ``Reaper...`` records follow the C structures of one system; ``DomainStatus`` and the
other plain records are the same on every backend.
"""

from __future__ import annotations

from .named_tuple import NamedTuple
from .process_records import DescendantInfo as DescendantInfo  # noqa: PLC0414
from .process_records import Reaped as Reaped  # noqa: PLC0414
from .process_records import Survivor as Survivor  # noqa: PLC0414


class Pointer:
    """A pointer that a caller of procctl can name without having memory to point at.

    There are three, and they are compared by identity.  (No enum: a fresh interpreter pays as much for that module
    as for the rest of ``reaper.status()``.)
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"pydfly.{self._name}"

    def __reduce__(self) -> str:
        return self._name  # copies and pickles are the same pointer again


NULL = Pointer("NULL")
"""A null pointer."""
BAD_POINTER = Pointer("BAD_POINTER")
"""An address where nothing is mapped: for trying out EFAULT."""
OMITTED = Pointer("OMITTED")
"""No argument: the wrapper supplies the memory that the command needs and decodes it."""


class ReaperStatus(NamedTuple):
    """DragonFly's ``struct reaper_status`` (192 bytes; sys/sys/procctl.h), without the reserved fields."""

    flags: int
    """``uint32_t``: REAPER_STAT_OWNED, REAPER_STAT_REALINIT."""
    refs: int
    """``uint32_t``: living members below the caller plus domains inside its own; 0 when it is no reaper."""
    pid_head: int
    """``pid_t``: the child attached last, zombie or not, reaper or not; -1 without children."""

    @property
    def owned(self) -> bool:
        """The caller is a reaper: REAPER_STAT_OWNED."""
        return bool(self.flags & 1)


class ReaperStatusFreeBSD(NamedTuple):
    """FreeBSD's ``struct procctl_reaper_status`` (80 bytes; sys/sys/procctl.h), without the padding.

    On FreeBSD, and simulated, every field is an int.  Linux does not tell the reaper of a process that is none
    itself: None there.
    """

    flags: int
    """``rs_flags``, u_int: REAPER_STATUS_OWNED, REAPER_STATUS_REALINIT."""
    children: int | None
    """``rs_children``, u_int: members that are direct children of the reaper."""
    descendants: int | None
    """``rs_descendants``, u_int: members, zombies included; sub-reapers count once."""
    reaper: int | None
    """``rs_reaper``, pid_t: the reaper that all this is about."""
    pid: int | None
    """``rs_pid``, pid_t: a child of the reaper; -1 when the domain is empty."""

    @property
    def owned(self) -> bool:
        """The process asked about is a reaper: REAPER_STATUS_OWNED."""
        return bool(self.flags & 1)


class ReaperPidInfo(NamedTuple):
    """One entry of FreeBSD's ``struct procctl_reaper_pidinfo`` (72 bytes)."""

    pid: int
    """``pi_pid``, pid_t."""
    subtree: int
    """``pi_subtree``, pid_t: the direct child of the reaper that it comes from."""
    flags: int
    """``pi_flags``, u_int: REAPER_PIDINFO_*."""


class ReaperKill(NamedTuple):
    """What goes into FreeBSD's ``struct procctl_reaper_kill`` (80 bytes)."""

    sig: int
    """``rk_sig``, int: 1 to 128."""
    flags: int = 0
    """``rk_flags``, u_int: 0, REAPER_KILL_CHILDREN or REAPER_KILL_SUBTREE."""
    subtree: int = 0
    """``rk_subtree``, pid_t: with REAPER_KILL_SUBTREE, the direct child at the top."""


class ReaperKilled(NamedTuple):
    """What comes out of FreeBSD's ``struct procctl_reaper_kill``; also on an error, as its ``result``."""

    killed: int
    """``rk_killed``, u_int: how many processes got the signal; the only reliable field."""
    fpid: int
    """``rk_fpid``, pid_t: a process that refused it, or -1."""


class ResidentEntry(NamedTuple):
    """One registered executable, as vm.resident lists it (``struct xresident``, 1168 bytes, sys/sys/resident.h)."""

    id: int
    """``res_id``, int.  Not unique: ids are given out again."""
    entry_address: int
    """``res_entry_addr``, intptr_t: where an exec of it starts."""
    path: str
    """``res_file``, char[1024]: the name, empty when it is known no longer."""
    size: int
    """``res_stat.st_size``, bytes."""
    dev: int
    """``res_stat.st_dev``: with ``ino`` the identity of the file."""
    ino: int
    """``res_stat.st_ino``."""


class ModuleStat(NamedTuple):
    """``struct module_stat``: one kernel module (sys/sys/module.h of both systems)."""

    version: int
    """``version``, int: the size of the structure; 44, 56 or (FreeBSD) 1048 bytes."""
    name: str
    """``name``: cut to 32 bytes in the two smaller ones."""
    refs: int
    """``refs``, int: how many hold the module."""
    id: int
    """``id``, int."""
    data: int | None
    """``data.intval``, int: of a SYSCALL_MODULE, the number of its system call; None: version 1 has no data."""


class Program(NamedTuple):
    """A file that was opened and found to be a program: what is registered is what was opened."""

    path: str
    """The name it was opened by."""
    size: int
    """Bytes."""
    dev: int
    """``st_dev``: with ``ino`` the identity of the file."""
    ino: int
    """``st_ino``."""
    entry: int = 0
    """``e_entry`` of its ELF header, 0 for anything else."""
    born: int = 0
    """When the file was made, nanoseconds since the epoch; 0 where the system does not tell.  It tells a new file
    from the deleted one whose inode number it was given."""


class DomainStatus(NamedTuple):
    """Whether a process is a reaper, and what its domain holds; the same on every backend.  None: not known here."""

    owned: bool
    """The process is a reaper."""
    real_init: bool
    """The reaper reported about is init."""
    reaper_pid: int | None
    """The reaper reported about: the process itself when ``owned``."""
    first_pid: int | None
    """The child attached last (with several attached at once, the first of them); None without children."""
    children: int | None
    """Direct children that are members of the domain."""
    descendants: int | None
    """Members of the domain (DragonFly, Linux: living ones; FreeBSD: zombies too)."""


class KillReport(NamedTuple):
    """What ``reaper.kill_all()`` did."""

    ended: list[DescendantInfo]
    """Members that were there and are not any more, as they were last seen."""
    reaped: list[Reaped]
    """Adopted orphans that were waited for; other dead children are left to their owners."""
    survivors: list[Survivor]
    """Members that could not be ended, and why."""
    seconds: float
    """How long it took."""


class BackendInfo(NamedTuple):
    """Which backend answers, and why."""

    name: str
    """``native``, ``linux`` or ``sim``."""
    flavour: str
    """``dragonfly`` or ``freebsd``."""
    live: bool
    """Whether it acts on real processes."""
    why: str
    """One sentence: why this one, and for each refused backend the reason."""


Data = int | ReaperKill | Pointer
"""What procctl is given."""
