"""The registry under SIGKILL: workers die at any moment, and the list stays what their commits made of it.

How often is set by $PYDFLY_REGISTRY_OPERATIONS (operations of each of the 8 workers, 1000 in full).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

from pydfly import SyscallError
from pydfly.structs import Program
from tests.processes import fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the registry stands in for the kernel on Linux")

if sys.platform == "linux":
    from pydfly.backends.registry.file import NAME
    from pydfly.backends.registry.rules import open_registry

WORKERS = 8
OPERATIONS = int(os.environ.get("PYDFLY_REGISTRY_OPERATIONS", "300"))
FILES = 40
EVERY = 0.02
NOBODY = Program("/nobody", 0, 0, 0)
HISTORY = """
create table history (step integer primary key, what text, id integer, ino text, path blob);
create trigger added after insert on entry begin
    insert into history (what, id, ino, path) values ('+', new.id, new.ino, new.path); end;
create trigger removed after delete on entry begin
    insert into history (what, id, ino, path) values ('-', old.id, old.ino, old.path); end;
"""


class Told(NamedTuple):
    """One operation as its worker knows it."""

    what: str
    """``+TAG`` or ``-ID``."""
    answer: str | None
    """``ok``, a count or an errno; None: the worker was killed before it could write it down."""


def work(state: Path, log: Path) -> None:
    """Do random operations until the log is full; write each down before, and its answer after."""
    registry = open_registry(0, str(state))
    chance = random.Random(os.getpid())
    with log.open("a", buffering=1) as lines:
        for number in range(len(read(log)), OPERATIONS):
            if chance.random() < 0.55:
                tag = f"/{log.name}/{number}"
                lines.write(f"+{tag}\n")
                operation = lambda: registry.register(Program(tag, 0, 1, chance.randrange(FILES)), 0)  # noqa: B023, E731
            else:
                id = chance.randrange(1, FILES // 2)
                lines.write(f"-{id}\n")
                operation = lambda: registry.unregister(id, NOBODY)  # noqa: B023, E731
            try:
                answer = operation()
                lines.write(f"={'ok' if answer is None else answer}\n")
            except SyscallError as error:
                lines.write(f"={error.syscall}:{error.errno_name}\n")


def read(log: Path) -> list[Told]:
    """Return what a worker wrote down."""
    told: list[Told] = []
    for line in log.read_text().splitlines():
        if line[0] == "=":
            told[-1] = Told(told[-1].what, line[1:])
        else:
            told.append(Told(line, None))
    return told


def run(state: Path, logs: list[Path]) -> int:
    """Run the workers; kill one every 20 ms and start it again; return how many were killed."""
    running = {fork(lambda log=log: work(state, log)): log for log in logs}  # type: ignore[misc]
    chance = random.Random(7)
    killed = 0
    end = time.monotonic() + 300
    while running:
        assert time.monotonic() < end, "the workers do not come to an end"
        time.sleep(EVERY)
        victim = chance.choice(list(running))
        os.kill(victim, signal.SIGKILL)
        for pid in list(running):
            done, status = os.waitpid(pid, 0 if pid == victim else os.WNOHANG)
            if not done:
                continue
            log = running.pop(pid)
            if os.WIFSIGNALED(status):
                killed += 1
                running[fork(lambda log=log: work(state, log))] = log  # type: ignore[misc]
            else:
                assert status == 0
    return killed


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """The final list is that of a serial execution of the committed operations, and every worker was told the truth."""
    state = tmp_path / "state"
    assert open_registry(0, str(state)).entries() == []
    database = sqlite3.connect(state / NAME)
    database.executescript(HISTORY)  # the order of the commits, kept by the transactions themselves
    logs = [tmp_path / f"worker{number}" for number in range(WORKERS)]
    for log in logs:
        log.touch()
    killed = run(state, logs)
    told = [operation for log in logs for operation in read(log)]
    assert len(told) == WORKERS * OPERATIONS
    assert killed > 0

    # a serial execution by the kernel's rules (RX-2, RX-8): the counter is the number of entries
    model: list[tuple[int, int, str]] = []
    added: list[str] = []
    removed: Counter[tuple[str, str]] = Counter()
    history = database.execute("select what, id, ino, path from history order by step").fetchall()
    for (what, id), steps in groupby(history, key=lambda step: (step[0], step[1] if step[0] == "-" else step[3])):
        rows = [(int(ino), path.decode()) for _, _, ino, path in steps]
        if what == "+":
            ((ino, tag),) = rows
            assert ino not in [known for _, known, _ in model]
            model.append((len(model) + 1, ino, tag))
            added.append(tag)
        else:
            gone = [entry for entry in model if entry[0] == id]
            assert sorted(rows) == sorted((ino, tag) for _, ino, tag in gone), "one call removes all that share the id"
            model = [entry for entry in model if entry[0] != id]
            removed[f"-{id}", str(len(gone))] += 1
    assert [(entry.id, entry.ino) for entry in open_registry(0, str(state)).entries()] == [
        (id, ino) for id, ino, _ in model
    ]
    assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    database.close()

    # what was confirmed has happened, and what has happened was confirmed or cut off before it could be
    confirmed = [operation.what[1:] for operation in told if operation.answer == "ok"]
    unknown = Counter(operation.what for operation in told if operation.answer is None)
    assert unknown.total() <= killed
    assert set(confirmed) <= set(added)
    assert {f"+{tag}" for tag in set(added) - set(confirmed)} <= set(unknown)
    assert len(added) == len(set(added))
    counted = Counter((what, answer) for what, answer in told if what[0] == "-" and answer and answer.isdigit())
    assert counted <= removed
    assert Counter(what for what, _ in (removed - counted).elements()) <= unknown
    refusals = {answer for _, answer in told if answer and answer != "ok" and not answer.isdigit()}
    assert refusals <= {"exec_sys_register:EEXIST", "exec_sys_unregister:ENOENT"}
