"""Between fork and exec: descriptors, directories, errors."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import Any

from pydfly.supervisor.keepers import fork_exec
from pydfly.supervisor.launch import Launch
from tests.conftest import linux_only, live_only
from tests.processes import in_process

pytestmark = live_only


class Signals:
    """No signal was changed, so there is nothing to restore, and none came."""

    def note_early(self) -> None:
        """Do nothing."""

    def restore(self) -> None:
        """Do nothing."""


def run(words: list[bytes], descriptors: dict[int, int], here: int | None = None, **options: Any) -> tuple[int, Any]:
    """Start a command, wait for it, and return its status and the outcome of its exec."""
    launch = Launch(words, env=options.pop("env", {b"PATH": os.fsencode(os.environ["PATH"])}), **options)
    pid, told = fork_exec.start(launch, Signals(), lambda: None, descriptors, here)  # type: ignore[arg-type]
    os.set_blocking(told, True)
    data = os.read(told, 65536)
    os.close(told)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), fork_exec.outcome(data)


@linux_only  # its memfd_create(2) and /proc tell files apart
def test_every_permutation_of_numbers() -> None:
    """Files at 0, 1, 2 and two numbers that the pipes of the start get change places in every way."""

    def wrong() -> list[object]:
        free = os.dup(0)  # the pipes of the start have this number, and those after it
        os.close(free)
        numbers = (0, 1, 2, free, free + 3)
        high = {number: 50 + number for number in numbers}
        for number in numbers:
            file = os.memfd_create(str(number))
            os.dup2(file, high[number])
            if number < 3:
                os.dup2(file, number)
            os.close(file)
        out = os.memfd_create("out")
        os.dup2(out, 90)
        observer = "import os, sys; os.write(90, ' '.join(map(os.readlink, sys.argv[1:])).encode())"
        listing = [f"/proc/self/fd/{number}".encode() for number in numbers]
        failures: list[object] = []
        for places in itertools.permutations(numbers):
            sources = [place if place < 3 else high[place] for place in places]
            os.ftruncate(90, 0)
            os.lseek(90, 0, os.SEEK_SET)
            words = [os.fsencode(sys.executable), b"-I", b"-S", b"-c", observer.encode(), *listing]
            result = run(words, dict(zip(numbers, sources, strict=True)) | {90: 90})
            seen = os.pread(90, 4096, 0).decode().replace("/memfd:", "").replace(" (deleted)", "").split()
            if result != (0, None) or seen != [str(place) for place in places]:
                failures.append((places, result, seen))
        return failures

    assert in_process(wrong) == []


def test_a_closed_standard_descriptor_stays_closed() -> None:
    def closed() -> tuple[int, Any]:
        return run([b"sh", b"-c", b"exec 2>/dev/null; (: <&0) && exit 1; (: >&1) && exit 2; exit 3"], {})

    assert in_process(closed)[1] is None


def test_the_directory_of_the_owner(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    descriptor = os.open(tmp_path, os.O_RDONLY)
    out = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    assert run([b"pwd"], {1: out}, descriptor) == (0, None)
    assert run([b"pwd"], {1: out}, descriptor, cwd=b"below") == (0, None)
    assert (tmp_path / "out").read_text().split() == [str(tmp_path), str(tmp_path / "below")]
    _, outcome = run([b"pwd"], {1: out}, descriptor, cwd=b"none")
    assert outcome == ("FileNotFoundError", 2, os.strerror(2), "none")
    os.close(descriptor)
    os.close(out)


def test_the_search_for_a_program(tmp_path: Path) -> None:
    """A refusal counts more than an absence; without PATH the default path; a script only if that is wanted."""
    (tmp_path / "tool").write_text("exit 3\n")
    (tmp_path / "refused").write_text("")
    (tmp_path / "tool").chmod(0o755)
    path = {b"PATH": os.fsencode(f"{tmp_path}:/nonexistent")}
    assert run([b"tool"], {}, env=path)[1][:2] == ("OSError", 8)
    assert run([b"tool"], {}, env=path, shell_script=True) == (3, None)
    assert run([b"refused"], {}, env=path)[1][0] == "PermissionError"
    assert run([b"none"], {}, env=path)[1] == ("FileNotFoundError", 2, os.strerror(2), "none")
    assert run([b"true"], {}, env={}) == (0, None)
    assert run([b"none"], {}, env={b"PATH": b""})[1][0] == "FileNotFoundError"


def test_no_argument_is_too_long_to_be_refused() -> None:
    word = b"x" * 3_000_000
    assert run([b"true", word], {})[1] == ("OSError", 7, os.strerror(7), "true")
    assert run([word], {})[1][3] == "x" * fork_exec.LONGEST_PATH
