"""resident.conf(5): one program, or pattern of programs, per line.

The boot script reads the patterns, not the kernel or resident(8); its rules are kept: a line that names one regular
file is taken as it is; otherwise all matches are taken that file(1) calls shared, that is, dynamic executables and
shared objects.

Source: etc/rc.d/resident.
"""

from __future__ import annotations

import os

from . import elf

PATH = "/etc/resident.conf"


def lines(path: str | os.PathLike[str] = PATH) -> list[tuple[int, str]]:
    """Return the lines that name something, with their numbers.

    Empty lines and lines beginning with ``#`` are skipped, after leading blanks were stripped; a comment behind a path
    is part of the line.  A last line without a newline counts (the boot script would lose it).

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:  # a name may have a CR
        stripped = [line.strip(" \t\n") for line in file]
    return [(number, line) for number, line in enumerate(stripped, 1) if line and not line.startswith("#")]


def read_conf(path: str | os.PathLike[str] = PATH) -> list[str]:
    """Return the patterns of a resident.conf(5), in their order.

    Raises:
        OSError: the file cannot be read.
    """
    return [line for _, line in lines(path)]


def expand(line: str) -> list[str]:
    """Return the programs that a line stands for on this machine."""
    import glob

    if "\0" in line:  # no name has one
        return []
    words = filter(None, line.replace("\t", " ").split(" "))  # only these two end a word of the shell's
    found = [match for word in words for match in sorted(glob.glob(word)) or [word]]
    if len(found) == 1 and os.path.isfile(found[0]):
        return found
    return [path for path in found if _is_shared(path)]


def _is_shared(path: str) -> bool:
    """Say whether file(1) has the word in its line: in the name, in a link's target, or in what it is."""
    if not os.path.lexists(path):
        return False
    if os.path.islink(path):
        return "shared" in path + os.readlink(path)
    return "shared" in path or elf.is_dynamic(path)
