"""Random arguments: through subprocess and ``supervise()`` a command sees the same, or they are refused alike."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pydfly
from tests.conftest import linux_only
from tests.live import onlooker

pytestmark = linux_only
OBSERVER = [sys.executable, "-I", "-S", str(pathlib.Path(__file__).with_name("observe.py"))]


class Word(str):
    """A subclass, as enums and markup libraries have them."""


class Place:
    """Files and descriptors that arguments can name."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.out = path / "out"
        self.files = [open(path / f"file{number}", "w+b") for number in range(3)]  # noqa: SIM115
        (path / "directory").mkdir()
        (path / "script").write_text("exit 3\n")
        (path / "script").chmod(0o755)
        (path / "plain").write_text("text")

    def close(self) -> None:
        for file in self.files:
            file.close()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as path:
        place = Place(pathlib.Path(path))
        yield place
        place.close()


def words() -> st.SearchStrategy[Any]:
    """Words of a command: mostly good ones, of every type that can be meant, and some that cannot."""
    good = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
    bytewise = st.binary(max_size=5).filter(lambda word: b"\0" not in word)
    return st.one_of(
        good,
        bytewise,
        good.map(Word),
        st.just(pathlib.Path("a/b")),
        st.sampled_from(["a\0b", b"\0", 1, None, "\udcff"]),
    )


def environments() -> st.SearchStrategy[Any]:
    names = st.sampled_from(["A", b"B", Word("C"), "PATH", "=", "D=", "E\0", 5])
    values = st.sampled_from(["", "1", b"\xff", Word("x"), "y\0", None])
    good = st.dictionaries(st.sampled_from(["A", b"B", Word("C")]), st.sampled_from(["", "1", b"\xff", Word("x")]))
    return st.one_of(st.none(), good, st.dictionaries(names, values, max_size=3))


# a descriptor is named by its place: a number of the caller, or a file of Place
STANDARD = st.one_of(
    st.none(),
    st.sampled_from([subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT, 0, 1, 2, 77, -9]),
    st.sampled_from(["file0", "file1", "number0", "number1", "closed"]),
)
ARGUMENTS = st.fixed_dictionaries(
    {
        "program": st.sampled_from(["observer"] * 8 + ["script", "plain", "directory", "missing", "", "no-such"]),
        "words": st.lists(words(), max_size=3),
    },
    optional={
        "env": environments(),
        "cwd": st.sampled_from(["directory", b"directory", "missing", "plain", "a\0", pathlib.Path("directory"), 7]),
        "stdin": STANDARD,
        "stdout": STANDARD,
        "stderr": STANDARD,
        "pass_fds": st.lists(st.sampled_from(["number0", "number1", "number2", 0, 2, 77, -1, 2**40, "x"]), max_size=3),
        "umask": st.sampled_from([-1, 0, 0o77, 0o777, "x", 2**40]),
        "start_new_session": st.booleans(),
        "process_group": st.sampled_from([None, 0, 2**30, "x"]),
        "user": st.sampled_from([None, 65534, -1, 2**64, "nobody", "no such user", 1.5]),
        "group": st.sampled_from([None, 65534, -1, "no such group", 1.5]),
        "extra_groups": st.sampled_from([None, [], [7, 9], [-1], [2**64], "x", ["no such group"], [None]]),
    },
)


def real(place: Place, value: Any) -> Any:
    """Return the descriptor or file that a name stands for."""
    if value == "closed":
        file = open(place.path / "plain")  # noqa: SIM115
        file.close()
        return file
    if isinstance(value, str) and value.startswith("file"):
        return place.files[int(value[-1])]
    if isinstance(value, str) and value.startswith("number"):
        return place.files[int(value[-1])].fileno()
    return value


def call(place: Place, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the command and the options of one example."""
    options = {name: value for name, value in arguments.items() if name not in ("program", "words")}
    for name in ("stdin", "stdout", "stderr"):
        if name in options:
            options[name] = real(place, options[name])
    if "pass_fds" in options:
        options["pass_fds"] = [real(place, number) for number in options["pass_fds"]]
    if isinstance(options.get("cwd"), (str, bytes, pathlib.Path)):
        directory = os.path.join(os.fsencode(place.path), os.fsencode(options["cwd"]))
        options["cwd"] = directory if isinstance(options["cwd"], bytes) else os.fsdecode(directory)
    program = arguments["program"]
    if program == "observer":
        return [*OBSERVER, str(place.out), *arguments["words"]], options
    return [str(place.path / program) if program not in ("", "no-such") else program, *arguments["words"]], options


def observed(place: Place, start: Any) -> Any:
    """Return what the command saw, or the error and what it is about."""
    place.out.unlink(missing_ok=True)
    try:
        status = start()
    except Exception as error:
        result: Any = [type(error).__name__, getattr(error, "errno", None)]
    else:
        result = [status, json.loads(place.out.read_text()) if place.out.exists() else None]
    return result


def through_subprocess(command: list[Any], options: dict[str, Any]) -> int:
    with subprocess.Popen(command, **options) as child:
        if child.stdin:
            child.stdin.close()
        return child.wait()


def through_supervise(command: list[Any], options: dict[str, Any]) -> int | None:
    with pydfly.supervise(command, **options) as service:
        service.wait_started()
        if service.stdin:
            service.stdin.close()
        return service.wait()


def different(found: Any, expected: Any) -> dict[str, Any]:
    """Return what the two commands saw differently, so that a failure is short."""
    if not (isinstance(found[1], dict) and isinstance(expected[1], dict)):
        return {}
    found, expected = found[1], expected[1]
    for seen in (found, expected):
        seen.update(seen.pop("environment", {}), **seen.pop("descriptors", {}))
    names = found.keys() | expected.keys()
    return {name: (found.get(name), expected.get(name)) for name in names if found.get(name) != expected.get(name)}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(ARGUMENTS)
def test_the_same_is_seen_or_refused(place: Place, arguments: dict[str, Any]) -> None:
    if sys.version_info < (3, 11):
        arguments.pop("process_group", None)
    if sys.version_info < (3, 13) and arguments.get("stdout") == subprocess.STDOUT:
        arguments["stdout"] = None  # a plain EBADF before
    os.chmod(place.path, 0o755)
    command, options = call(place, arguments)
    expected = observed(place, lambda: through_subprocess(command, options))
    before = onlooker.descriptors()  # some versions of subprocess leave pipes open when they refuse an argument
    found = observed(place, lambda: through_supervise(command, options))
    assert onlooker.descriptors() == before
    if found[0] != expected[0] and "ValueError" in (found[0], expected[0]) and "closed" in arguments.values():
        return  # a closed file and another mistake: which of the two is told first differs between versions
    assert found[:1] == expected[:1] and different(found, expected) == {}
    assert found == expected
