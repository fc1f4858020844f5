"""What an onlooker sees of processes, without anything of the package: /proc of Linux, or ps(1) of the BSDs.

The paths begin with two slashes: a confined machine (tests/confined) hides /proc from the programs in it, not this.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

_HAS_PROC = os.path.isdir("//proc/self/task")
_SHOWN = 512  # descriptors beyond this number are none of the tests'


class Seen(NamedTuple):
    """One process."""

    ppid: int
    state: str
    """Its first letter: ``Z`` a zombie, ``T`` stopped, and others."""
    name: str


def look(pid: int) -> Seen:
    """Describe a process.

    Raises:
        ProcessLookupError: there is none.
    """
    if _HAS_PROC:
        try:
            stat = Path(f"//proc/{pid}/stat").read_text(errors="replace")  # any bytes may be a name
        except (FileNotFoundError, ProcessLookupError):
            raise ProcessLookupError(pid) from None
        state, ppid = stat.rpartition(")")[2].split()[:2]
        return Seen(int(ppid), state, stat[stat.index("(") + 1 : stat.rindex(")")])
    words = ["ps", "-o", "ppid=", "-o", "state=", "-o", "comm=", "-p", str(pid)]
    fields = subprocess.run(words, capture_output=True, text=True).stdout.split(None, 2)
    if len(fields) < 2:
        raise ProcessLookupError(pid)
    return Seen(int(fields[0]), fields[1][0], fields[2].strip() if len(fields) > 2 else "")


def exists(pid: int) -> bool:
    """Say whether there is a process with this pid, dead or alive."""
    try:
        look(pid)
    except ProcessLookupError:
        return False
    return True


def alive(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        return look(pid).state != "Z"
    except ProcessLookupError:
        return False


def children(pid: int) -> list[int]:
    """Return the children of a process, zombies included."""
    if _HAS_PROC:
        others = [int(name) for name in os.listdir("//proc") if name.isdigit()]
        return [other for other in others if exists(other) and _parent(other) == pid]
    rows = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True).stdout.splitlines()
    return [int(row.split()[0]) for row in rows if int(row.split()[1]) == pid]


def below(pid: int) -> dict[int, Seen]:
    """Return the descendants of a process, zombies included."""
    if _HAS_PROC:
        everyone = {}
        for other in (int(name) for name in os.listdir("//proc") if name.isdigit()):
            with contextlib.suppress(ProcessLookupError):
                everyone[other] = look(other)
    else:
        words = ["ps", "-axo", "pid=,ppid=,state=,comm="]
        rows = [row.split(None, 3) for row in subprocess.run(words, capture_output=True, text=True).stdout.splitlines()]
        everyone = {int(row[0]): Seen(int(row[1]), row[2][0], (*row, "")[3].strip()) for row in rows}
    found: dict[int, Seen] = {}
    generation = {pid}
    while generation:
        generation = {other for other, seen in everyone.items() if seen.ppid in generation} - found.keys()
        found |= {other: everyone[other] for other in generation}
    return found


def _parent(pid: int) -> int:
    try:
        return look(pid).ppid
    except ProcessLookupError:
        return -1


def with_command(command: str) -> list[int]:
    """Return the living processes whose command line, with blanks between its words, is this."""
    if _HAS_PROC:
        names = [name for name in os.listdir("//proc") if name.isdigit()]
        wanted = command.encode().replace(b" ", b"\0") + b"\0"
        return [int(name) for name in names if wanted in _contents([f"//proc/{name}/cmdline"])]
    rows = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True).stdout
    return [int(row.split()[0]) for row in rows.splitlines() if row.split(None, 1)[1:] == [command]]


def with_variable(variable: str) -> list[int]:
    """Return the living processes that have this ``NAME=VALUE`` in the environment that they were executed with."""
    if _HAS_PROC:
        names = [name for name in os.listdir("//proc") if name.isdigit()]
        return [int(name) for name in names if any(variable.encode() in each for each in _environments(name))]
    rows = subprocess.run(
        ["ps", "-axeww", "-o", "pid=,command="], capture_output=True, text=True, errors="replace"
    ).stdout
    found = [int(row.split()[0]) for row in rows.splitlines() if variable in row]
    return [pid for pid in found if pid != os.getpid() and alive(pid)]


def _environments(pid: str) -> list[bytes]:
    """Read the environment of a process through each thread: the first thread may have ended before the others."""
    try:
        threads = os.listdir(f"//proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return _contents([f"//proc/{pid}/task/{thread}/environ" for thread in threads])


def _contents(files: list[str]) -> list[bytes]:
    """Read files; none of them where one has gone meanwhile, or may not be read."""
    try:
        return [Path(file).read_bytes() for file in files]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def descriptors() -> list[int]:
    """Return the open descriptors of this process."""
    return [number for number in range(_SHOWN) if _is_open(number)]


def _is_open(number: int) -> bool:
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True


SHOW_DESCRIPTORS = f"""
import contextlib
import fcntl
for number in range({_SHOWN}):
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        continue
    print(number)
"""
"""A program that prints its open descriptors, a line each."""
