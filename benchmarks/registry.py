"""The resident registry: registering and unregistering, against the simplest file that would survive a kill."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pydfly.backends.registry.rules import Registry
from pydfly.structs import Program

from .rows import SCRIPT, Row, Sample, command

PAIRS = 200
LISTED = 20
"""Programs that are resident all the time."""

_folder: Path


class JsonFile:
    """A list in a JSON file: locked by flock, written anew and renamed into place at every change."""

    def __init__(self, folder: Path) -> None:
        self._lock = folder / "lock"
        self._file = folder / "resident.json"
        self._fresh = folder / "resident.json.new"

    def register(self, program: Program, entry: int) -> None:
        """Add a program; the id is the number of entries plus one."""
        with self._locked() as entries:
            if any((known["dev"], known["ino"]) == (program.dev, program.ino) for known in entries):
                raise FileExistsError(program.path)
            status = {"path": program.path, "size": program.size, "dev": program.dev, "ino": program.ino}
            entries.append({"id": len(entries) + 1, "address": entry, **status})
            self._write(entries)

    def unregister(self, id: int, own: Program) -> int:
        """Remove every entry with this id, or with that of the own program's entry for -1."""
        with self._locked() as entries:
            if id == -1:
                key = (own.dev, own.ino)
                id = next((known["id"] for known in entries if (known["dev"], known["ino"]) == key), id)
            left = [known for known in entries if known["id"] != id]
            if len(left) == len(entries):
                raise FileNotFoundError(id)
            self._write(left)
            return len(entries) - len(left)

    @contextmanager
    def _locked(self) -> Iterator[list[dict[str, Any]]]:
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                entries = json.loads(self._file.read_bytes())
            except FileNotFoundError:
                entries = []
            yield entries
        finally:
            os.close(descriptor)

    def _write(self, entries: object) -> None:
        self._fresh.write_text(json.dumps(entries))
        self._fresh.replace(self._file)


@contextmanager
def place() -> Iterator[None]:
    """Make both registries in a directory of their own, with some programs in them."""
    global _folder
    memory = "/dev/shm"  # run-time state lives in memory, as /run does; a disk would be harder on the JSON file
    _folder = Path(tempfile.mkdtemp(prefix="pydfly-", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        for registry in (ours(), theirs()):
            for number in range(LISTED):
                registry.register(Program(f"/usr/local/bin/program{number}", 4096, 1, number), 0x401000)
        yield
    finally:
        shutil.rmtree(_folder)


def ours() -> Registry:
    """Open the package's registry, as a simulated root where we are none."""
    return Registry(0, str(_folder / "state"))


def theirs() -> JsonFile:
    """Open the JSON file."""
    return JsonFile(_folder)


def pairs(make: Callable[[], Registry | JsonFile], processes: int) -> Sample:
    """Make a sample: seconds for a pair, when that many processes do PAIRS of them each at once."""

    def work(worker: int) -> None:
        registry = make()
        for number in range(PAIRS):
            program = Program("/usr/local/bin/other", 4096, 2 + worker, number)
            registry.register(program, 0x401000)
            with suppress(FileNotFoundError):  # it went with another worker's that had the same id
                registry.unregister(-1, program)

    def sample() -> float:
        begin = time.perf_counter()
        if processes == 1:
            work(0)
        else:
            _in_children(work, processes)
        return (time.perf_counter() - begin) / (PAIRS * processes)

    return sample


def _in_children(work: Callable[[int], None], processes: int) -> None:
    children = []
    for worker in range(processes):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work(worker)
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    if any(statuses):
        raise RuntimeError(f"the workers ended with {statuses}")


@contextmanager
def long_list() -> Iterator[None]:
    """Have a registry of 10,000 files that exist."""
    from pydfly.backends.registry.content import Row
    from pydfly.backends.registry.file import RegistryFile
    from pydfly.backends.registry.identity import identify

    with place():
        (_folder / "programs").mkdir()
        with RegistryFile(str(_folder / "state")).change() as change:
            content = change.before
            for number in range(10_000):
                program = _folder / "programs" / str(number)
                program.touch()
                content = content.with_row(Row(*identify(str(program)), number, 0x401000, 0, bytes(program)))
            change.commit(content)
        yield


def listing() -> float:
    """Measure `pydfly resident -l` from the start of the interpreter to its end."""
    environment = {**os.environ, "PYDFLY_STATE_DIR": str(_folder / "state")}
    begin = time.perf_counter()
    done = subprocess.run([*SCRIPT, "resident", "-l"], env=environment, capture_output=True, check=True)
    seconds = time.perf_counter() - begin
    if done.stdout.count(b"\n") < 10_000:
        raise RuntimeError("the list is not whole")
    return seconds


def rows() -> Iterator[Row]:
    """One process alone, eight at once, and a long list."""
    if os.geteuid() == 0:  # the command line has no simulated superuser
        bare = command(sys.executable, "-c", "pass")
        name = "resident -l of 10,000 programs"
        yield Row(name, listing, "python -c pass", bare, 8.0, inside=long_list, pairs=9)
    against = "a JSON file, flock, rename"  # which checks neither the way to its directory nor what it reads
    for processes, robust in ((1, True), (8, False)):
        name = f"resident registry, {processes} process{'es' if processes > 1 else ''}: register + unregister"
        yield Row(
            name, pairs(ours, processes), against, pairs(theirs, processes), 2.0, inside=place, pairs=9, robust=robust
        )
