"""The registry under SIGKILL: workers die at any moment, and the list stays what their commits made of it.

How many workers: $PYDFLY_REGISTRY_WORKERS (8; 48 in full); how much each does: $PYDFLY_REGISTRY_OPERATIONS (300).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from pydfly import SyscallError
from pydfly.structs import Program
from tests.processes import fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the registry stands in for the kernel on Linux")

if sys.platform == "linux":
    from pydfly.backends.registry.content import Content
    from pydfly.backends.registry.file import Change, RegistryFile
    from pydfly.backends.registry.rules import Registry

WORKERS = int(os.environ.get("PYDFLY_REGISTRY_WORKERS", "8"))
OPERATIONS = int(os.environ.get("PYDFLY_REGISTRY_OPERATIONS", "300"))
FILES = 40
EVERY = 0.02
NOBODY = Program("/nobody", 0, 0, 0)

Row = tuple[int, int, str]
"""Id, inode and path of an entry."""


class Told(NamedTuple):
    """One operation as its worker knows it."""

    what: str
    """``+TAG`` or ``-ID``."""
    answer: str | None
    """``ok``, a count or an errno; None: the worker was killed before it could write it down."""


def remember(history: Path) -> None:
    """Let this process write each state of the list down, with its serial number, before it becomes the list."""
    commit = Change.commit

    def remembered(change: Change, content: Content) -> None:
        rows = [(row.id, row.ino, row.path.decode()) for row in content.rows()]
        with history.open("ab", buffering=0) as lines:
            lines.write(b"\n" + json.dumps([content.serial, rows]).encode())
        commit(change, content)

    Change.commit = remembered  # type: ignore[method-assign]


def states(history: Path, last: int) -> list[list[Row]]:
    """Return the states that became the list: of two with one number the first was not renamed into place."""
    found: dict[int, list[Row]] = {0: []}
    for line in history.read_bytes().splitlines():
        with suppress(ValueError):  # cut off by a kill
            serial, rows = json.loads(line)
            found[serial] = [tuple(row) for row in rows]
    assert set(range(last + 1)) <= set(found)
    return [found[serial] for serial in range(last + 1)]


def work(state: Path, log: Path) -> None:
    """Do random operations until the log is full; write each down before, and its answer after."""
    remember(log.parent / "history")
    registry = Registry(0, str(state))
    chance = random.Random(os.getpid())
    with log.open("a", buffering=1) as lines:
        for number in range(len(read(log)), OPERATIONS):
            if chance.random() < 0.55:
                tag = f"/{log.name}/{number}"
                lines.write(f"+{tag}\n")
                operation = lambda: registry.register(Program(tag, 0, 1, chance.randrange(FILES)), 0)  # noqa: B023, E731
            else:
                id = chance.randrange(1, FILES + 2)
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
    logs = [tmp_path / f"worker{number}" for number in range(WORKERS)]
    for log in logs:
        log.touch()
    killed = run(state, logs)
    told = [operation for log in logs for operation in read(log)]
    assert len(told) == WORKERS * OPERATIONS
    assert killed > 0

    # a serial execution by the kernel's rules (RX-2, RX-8): the counter is the number of entries
    last = RegistryFile(str(state)).read()
    history = states(tmp_path / "history", last.serial)
    added: list[str] = []
    removed: Counter[tuple[str, str]] = Counter()
    for before, after in pairwise(history):
        if len(after) > len(before):
            *same, (id, ino, tag) = after
            assert (same, id) == (before, len(before) + 1)
            assert ino not in [known for _, known, _ in before]
            added.append(tag)
        else:
            gone = {id for id, _, _ in set(before) - set(after)}
            assert len(gone) == 1
            assert after == [row for row in before if row[0] not in gone], "one call removes all that share the id"
            removed[f"-{gone.pop()}", str(len(before) - len(after))] += 1
    assert [(row.id, row.ino, row.path.decode()) for row in last.rows()] == history[-1]
    assert len(added) + removed.total() == last.serial
    print(f"{WORKERS} workers, {len(told)} operations, {killed} killed, {last.serial} changes of the list")

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
