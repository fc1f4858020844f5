"""What every exec does to a process, whichever the flavour."""

from __future__ import annotations

from collections.abc import Mapping

from .proc import Proc
from .states import DEFAULT
from .vnodes import File, Vnode

ORDINARY_ENTRY = 4096
"""Where every program starts that is not resident."""


def gives_ids(file: File, process: Proc) -> bool:
    """A set-id bit is set, and the owner differs from the present effective id."""
    return (file.suid and file.owner != process.euid) or (file.sgid and file.group != process.egid)


def set_ids(process: Proc, file: File) -> None:
    """Change the effective ids to the file's: both systems' kern_exec.c, where change_euid() is called."""
    process.setid_mark = True
    if file.suid:
        process.euid = file.owner
    if file.sgid:
        process.egid = file.group


def keep_ids(process: Proc) -> None:
    """Take the set-id mark away where nothing is left of a change: kern_exec.c, `p_flag &= ~P_SUGID`."""
    if process.euid == process.ruid and process.egid == process.rgid:
        process.setid_mark = False


def replace_image(process: Proc, text: Vnode, argv: tuple[str, ...], environ: Mapping[str, str]) -> None:
    """Give the process a new program with an empty address space."""
    process.svuid, process.svgid = process.euid, process.egid  # kern_exec.c: POSIX saved ids follow the effective ones
    process.text = text
    process.pages = None
    process.argv, process.environ = argv, environ
    process.stack = (*argv, *(f"{name}={value}" for name, value in environ.items())) if environ else argv
    if process.sigchld != DEFAULT or process.nocldwait:
        # sys/kern/kern_sig.c, execsigs(): handlers are reset; so is an ignored SIGCHLD, and SA_NOCLDWAIT
        process.sigchld = DEFAULT
        process.nocldwait = False
