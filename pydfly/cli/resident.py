"""``pydfly resident``: resident(8), its options, texts, streams and exit statuses; and three modern additions.

Options act while they are parsed, left to right: -l, -x and -R end the command at once, -x and -R with exit status
0 even when they fail.  Additions: --json (the list as JSON), --explain (what the ids mean, or what -x would do,
without doing it), --conf FILE (apply a resident.conf(5), a line reported for each program; with -f without the checks
of their format).  Names are shown with control characters escaped, where the tool writes them as they are.

Source: usr.sbin/resident/resident.c, main(), and observations on a running system.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

from .. import resident
from ..errors import NotRegistrableError, SyscallError
from ..escape import escape
from ..structs import ResidentEntry
from .values import strtol

USAGE = "usage: resident [-l] [-f] [-x id] [-d] [-R] program ..."
_OWN, _ALL = -1, -2


def main(arguments: list[str]) -> int:
    """Do what the options say, then what is said about the programs."""
    words = list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of files come out in the encoding that they came in
            stream.reconfigure(encoding=sys.getfilesystemencoding(), errors="surrogateescape")
    as_json = _take(words, "--json")
    explain = _take(words, "--explain")
    force = delete = False
    while words and words[0].startswith("-") and words[0] != "-":
        word = words.pop(0)
        if word == "--":
            break
        if word.partition("=")[0] == "--conf" and not delete:
            return _apply(word, words, force)
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "l":
                return _list(as_json)
            if letter == "R":
                return _explain(_ALL) if explain else _unregister(_ALL)
            if letter == "x":
                if not letters and not words:
                    return _complain("option requires an argument -- x")
                id = strtol(letters or words.pop(0))
                return _explain(id) if explain else _unregister(id)
            if letter not in "df":
                return _complain(f"illegal option -- {letter}")
            force = force or letter == "f"
            delete = delete or letter == "d"
    if not words and explain:
        return _explain(None)
    if not words and as_json:
        return _list(True)
    if not words:
        return _complain(None)
    return max([_act(program, force, delete) for program in words])


def row(entry: ResidentEntry) -> str:
    """Format one entry as the tool's printf does: the address cut to 32 bits, columns counted in bytes."""
    id, address, path, size, _, _ = entry
    path = escape(path)
    width = 30 if path.isascii() else max(30 - len(os.fsencode(path)) + len(path), 0)
    return "%-4d\t%-15d\t0x%-12x\t%-*s" % (id, size, address & 0xFFFFFFFF, width, path)  # noqa: UP031  a third less time


def _take(words: list[str], option: str) -> bool:
    """Remove one of our own options where options stand."""
    for place, word in enumerate(words):
        if word == option:
            del words[place]
            return True
        if not word.startswith("-") or word in ("-", "--"):
            break
    return False


def _list(as_json: bool) -> int:
    try:
        entries = resident.entries()
    except SyscallError as error:
        if error.syscall != "vm.resident":
            raise
        print(f"sysctl: vm.resident: {error.strerror}", file=sys.stderr)
        return 1
    if as_json:
        import json

        print(json.dumps([entry._asdict() for entry in entries], indent=2))
    elif not entries:
        print("no resident binaries to list")
    else:
        lines = [f"{'Id':<4}\t{'Size':<15}\t{'Address':<12}\t{'Executable':<30}", *map(row, entries)]
        print("\n".join(lines))
    return 0


def _unregister(id: int) -> int:
    try:
        resident.unregister(id)
    except SyscallError as error:
        if error.syscall != "exec_sys_unregister":
            raise
        print(f"unregister: {error.strerror}")
    else:
        print("unregister: success")
    return 0


def _act(program: str, force: bool, delete: bool) -> int:
    """Register or unregister one program; say what went wrong as the tool, or the run-time linker, says it."""
    try:
        if delete:
            resident.unregister_program(program, force)
        else:
            resident.register(program, force)
    except NotRegistrableError as error:
        texts = error.result if isinstance(error.result, tuple) else (error.reason,)
        for text in texts:
            _say(f"resident: {program}: {text}")
    except SyscallError as error:
        if error.syscall in ("open", "execve"):
            _say(f"resident: {program}: {error.strerror}")
        if error.syscall == "execve":  # the child that could not exec exits with 1, which is EPERM
            _say(f"{program}: exit status Operation not permitted")
        elif error.syscall == "rtld":  # a status or a signal that no errno stands for
            _say(f"{program}: {error.reason}")
        elif error.syscall in ("exec_sys_register", "exec_sys_unregister"):
            texts_of = {"ENOENT": "entry not found", "EEXIST": "binary already resident"}
            _say(f"{program}: {texts_of.get(error.errno_name, f'exit status {error.strerror}')}")
        elif error.syscall != "open":
            raise
    else:
        return 0
    return 1


def _apply(option: str, words: list[str], force: bool) -> int:
    """Apply a resident.conf(5)."""
    option, equals, file = option.partition("=")
    if not equals:
        if not words:
            return _complain(f"option requires an argument -- {option.lstrip('-')}")
        file = words.pop(0)
    if words == ["-f"]:
        force = True
    elif words:
        return _complain(None)
    failed = 0
    for applied in resident.applying(file, force):  # each program's line at once: this may take long
        where = f"{file}:{applied.line}: {applied.program or applied.pattern}"
        if applied.program is None:
            became = "matches no program"
        else:
            became = "resident" if applied.error is None else _first_reason(applied.error)
        print(escape(f"{where}: {became}"), flush=True)
        failed |= applied.program is None or applied.error is not None
    return int(failed)


def _first_reason(error: SyscallError) -> str:
    if isinstance(error.result, tuple):
        return "; ".join(error.result)
    return {"EEXIST": "resident already"}.get(error.errno_name, error.strerror or error.reason)


def _explain(id: int | None) -> int:
    """Say in words which programs an id stands for, and so what -x would remove."""
    entries = resident.entries()
    if id is None:
        shared = sorted({entry.id for entry in entries if [other.id for other in entries].count(entry.id) > 1})
        print(f"{len(entries)} resident, the next one gets id {len(entries) + 1}")
        for number in shared:
            them = _listed([entry for entry in entries if entry.id == number])
            print(f"id {number} is shared: -x {number} removes {them}")
        return 0
    what = "-R" if id == _ALL else f"-x {id}"
    if id == _OWN:
        own = os.stat(sys.executable)
        id = next((entry.id for entry in entries if (entry.dev, entry.ino) == (own.st_dev, own.st_ino)), id)
    victims = [entry for entry in entries if id in (entry.id, _ALL)]
    print(
        f"{what} would remove {_listed(victims)}" if victims else f"{what} would remove nothing: no program has this id"
    )
    if len(victims) > 1 and id != _ALL:
        print("ids are given out again while they live: the kernel's counter is the number of entries")
    return 0


def _listed(entries: list[ResidentEntry]) -> str:
    names = ", ".join(escape(entry.path) or f"(file {entry.dev}:{entry.ino}, name unknown)" for entry in entries)
    return f"{len(entries)} program{'s' if len(entries) != 1 else ''}: {names}"


def _complain(text: str | None) -> int:
    """Say what getopt says, then how the command is used."""
    if text:
        _say(f"resident: {text}")
    _say(USAGE)
    if sys.stderr.isatty():  # a script sees what the tool says, and nothing else
        _say("pydfly help resident shows the manual")
    return 1


def _say(text: str) -> None:
    sys.stdout.flush()
    print(escape(text), file=sys.stderr)
