"""Break one line of the package at a time, and see whether a test, or the compiler, notices.

``python -m tests.mutations [LIST...]`` copies the package and the tests of one room to a directory of its own for each
change, runs them there, and prints what was caught.  Exit status 1 if any change went unnoticed, or does not apply any
more.  Lists: ``dragonfly``, ``freebsd`` (the simulated kernels), ``native`` (the binding), ``registry``, ``confined``
(whole programs on a BSD that is played); all of them if none is named.  ``ci/mutations.sh`` runs this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
AT_ONCE = 2
PATIENCE = 300
"""Seconds that the tests may take with one change."""


class Mutation(NamedTuple):
    """One wrong line."""

    what: str
    """The rule that it breaks."""
    file: str
    right: str
    """What stands in the file, exactly once."""
    wrong: str


class Room(NamedTuple):
    """The room that these mutations are for."""

    module: str
    """Where the list is."""
    base: str
    """From where its files are named."""
    tests: str
    """Which tests have to notice."""
    needs: tuple[str, ...]
    """What else is copied."""


COMMON = ("pydfly", "pyproject.toml", "tests/__init__.py", "tests/conftest.py", "tests/mutations.py")
ROOMS = {
    "dragonfly": Room("tests.simkernel.mutations", "pydfly/simkernel", "tests/simkernel", ("tests/data",)),
    "freebsd": Room("tests.simkernel.mutations_freebsd", "pydfly/simkernel", "tests/simkernel", ("tests/data",)),
    "registry": Room(
        "tests.registry.mutations",
        "pydfly/backends/registry",
        "tests/registry",
        ("tests/processes.py", "tests/elves.py"),
    ),
    "native": Room(
        "tests.native.mutations", ".", "tests/native", ("build_ffi.py", "tests/processes.py", "tests/property")
    ),
    "confined": Room(
        "tests.confined.mutations",
        ".",
        "tests/confined",
        (
            *("build_ffi.py", "benchmarks", "tests/processes.py", "tests/property"),
            *("tests/native", "tests/data", "tests/live"),
        ),
    ),
}


def mutations(room: Room) -> list[Mutation]:
    """Return a room's list."""
    found: list[Mutation] = import_module(room.module).MUTATIONS
    return found


def broken(mutation: Mutation, base: Path) -> str:
    """Return the text of the file with its wrong line.

    Raises:
        LookupError: the right line is not there, or more than once: the mutation is stale.
    """
    source = (base / mutation.file).read_text()
    if source.count(mutation.right) != 1 or mutation.wrong == mutation.right:
        raise LookupError(f"{source.count(mutation.right)} times in {mutation.file}")
    return source.replace(mutation.right, mutation.wrong)


def try_out(room: Room, mutation: Mutation | None, built: Path) -> str:
    """Return ``caught``, ``MISSED`` or why it could not be tried; without a mutation ``MISSED`` is what is right."""
    with tempfile.TemporaryDirectory(prefix="pydfly-mutation-") as directory:
        copy = Path(directory)
        for part in (*COMMON, room.tests, *room.needs):
            (copy / part).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / part, copy / part)
        if mutation is not None:
            try:
                text = broken(mutation, copy / room.base)
            except LookupError as error:
                return f"DOES NOT APPLY: {error}"
            (copy / room.base / mutation.file).write_text(text)
        environment = dict(os.environ)
        if room.tests == "tests/native":
            environment["PYDFLY_REQUIRE"] = "native-stub"
            if mutation is None or mutation.file != "build_ffi.py":
                environment["PYDFLY_STUB_BUILT"] = str(built)
        options = ["-x", "-q", "--timeout=120", "-p", "no:cacheprovider", f"--basetemp={copy / 't'}"]
        command = [sys.executable, "-m", "pytest", *options, room.tests]
        ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, check=False, timeout=PATIENCE)
        return {0: "MISSED", 1: "caught"}.get(ran.returncode, f"BROKEN: pytest said {ran.returncode}")


def run(name: str, built: Path) -> bool:
    """Try a room's mutations, two at a time; say whether all were caught."""
    room = ROOMS[name]
    if name == "native":
        from .native import building

        for flavour in (*building.SYSTEMS, "none"):
            building.compile_for(flavour, built / flavour)
    if try_out(room, None, built) != "MISSED":
        print(f"{name}: the tests fail without any change, so that nothing can be told from them")
        return False
    listed = mutations(room)
    outcomes = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(lambda mutation: try_out(room, mutation, built), listed):
            mutation = listed[len(outcomes)]
            print(f"{mutation.what:<32}{mutation.file:<40}{outcome}", flush=True)
            outcomes.append(outcome)
    print(f"{name}: {outcomes.count('caught')} of {len(listed)} caught", flush=True)
    return outcomes.count("caught") == len(listed)


def main(names: list[str]) -> int:
    """Try the lists that are named, or all of them."""
    with tempfile.TemporaryDirectory(prefix="pydfly-native-") as directory:
        outcomes = [run(name, Path(directory)) for name in names or ROOMS]  # all of them, whatever comes of the first
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
