"""What every exec does to a process, whichever the flavour."""

from __future__ import annotations

from . import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NamedTuple

    from .process import Process
    from .vnodes import Vnode
else:
    from ..records import NamedTuple

ORDINARY_ENTRY = 4096
"""Where every program starts that is not resident."""


class File(NamedTuple):
    """What an exec looks at: see ``Process.execve``."""

    path: str
    suid: bool = False
    owner: int = 0
    sgid: bool = False
    group: int = 0
    nosuid: bool = False
    bad: bool = False
    interpreter: str | None = None
    static: bool = False

    def gives_ids(self, process: Process) -> bool:
        """A set-id bit is set, and the owner differs from the present effective id."""
        return (self.suid and self.owner != process.euid) or (self.sgid and self.group != process.egid)


class Executed(NamedTuple):
    """How a program was started."""

    resident: bool
    """From the snapshot of a resident registration."""
    entry: int
    """At which address."""


def set_ids(process: Process, file: File) -> None:
    """Change the effective ids to the file's: both systems' kern_exec.c, where change_euid() is called."""
    process.setid_mark = True
    if file.suid:
        process.euid = file.owner
    if file.sgid:
        process.egid = file.group


def keep_ids(process: Process) -> None:
    """Take the set-id mark away where nothing is left of a change: kern_exec.c, `p_flag &= ~P_SUGID`."""
    if process.euid == process.ruid and process.egid == process.rgid:
        process.setid_mark = False


def replace_image(process: Process, text: Vnode, argv: tuple[str, ...], environ: Mapping[str, str]) -> None:
    """Give the process a new program with an empty address space."""
    process.svuid, process.svgid = process.euid, process.egid  # kern_exec.c: POSIX saved ids follow the effective ones
    process.text = text
    process.pages = None
    process.argv, process.environ = argv, environ
    process.stack = (*argv, *(f"{name}={value}" for name, value in environ.items())) if environ else argv
    if process.sigchld != signals.DEFAULT or process.nocldwait:
        # sys/kern/kern_sig.c, execsigs(): handlers are reset; so is an ignored SIGCHLD, and SA_NOCLDWAIT
        process.sigchld = signals.DEFAULT
        process.nocldwait = False
