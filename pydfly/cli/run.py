"""``pydfly run``: run a command in the foreground so that nothing it starts outlives it."""

from __future__ import annotations

import sys

from ..supervisor.domain import fill_standard_descriptors
from ..supervisor.guard import FAILED, Guard
from ..supervisor.launch import Launch
from ..supervisor.warden import TIMEOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..supervisor.warden import Warden
    from .options import Parsed

TIMED_OUT, NOT_EXECUTABLE, NOT_FOUND = 124, 126, 127


def main(parsed: Parsed) -> int:
    """Run the command line and return the exit status."""
    given = parsed.values
    _check_backend()
    launch = Launch(
        list(parsed.arguments),
        grace=given.get("--grace", 5.0),
        linger="--wait-all" in given,
        timeout=given.get("--timeout", 0) or None,
        pdeathsig=given.get("--pdeathsig", 0),
    )
    fill_standard_descriptors()
    try:
        paper = Paper(given.get("--report"), "--summary" in given)
        status = Guard(launch, kept=paper.descriptors).keep(lambda warden: _work(warden, paper))
    except OSError as error:
        return _complain(f"{error.filename or 'run'}: {error.strerror}", FAILED)
    if status is None:
        paper.write({"command": parsed.arguments, "error": "the warden was killed; everything it guarded was ended"})
        return _complain("run: the warden was killed; everything it guarded was ended", FAILED)
    return status


def _check_backend() -> None:
    """Refuse a backend without real processes; asked only where somebody chose, as asking takes time."""
    import os

    if os.environ.get("PYDFLY_BACKEND") or not sys.platform.startswith(("linux", "dragonfly", "freebsd")):
        from ..supervisor.prepare import check_backend

        check_backend()


class Paper:
    """Where the report goes: opened before anything is started, so that a refusal is told before."""

    def __init__(self, name: str | None, summary: bool) -> None:
        self.descriptors: tuple[int, ...] = ()
        self.summary = summary
        if name is None:
            return
        import os

        if name == "-":
            self.descriptors = (os.dup(1),)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self.descriptors = (os.open(name, flags, 0o666),)

    def write(self, report: dict[str, Any]) -> None:
        """Write the report as one JSON object, and show it to whom asked for that."""
        if self.summary and "processes" in report:
            from .summary import show

            show(report, sys.stderr)
        for descriptor in self.descriptors:
            import json

            with open(descriptor, "w", closefd=False) as file:
                json.dump(report, file)
                file.write("\n")


def _work(warden: Warden, paper: Paper) -> int:
    """Be the warden's process: return the exit status of ``pydfly run``."""
    try:
        warden.start()
    except OSError as error:
        text = f"{error.filename or 'run'}: {error.strerror}"
        paper.write({**warden.report(), "reason": "not started", "error": text})
        if isinstance(error, FileNotFoundError):
            return _complain(text, NOT_FOUND)
        return _complain(text, NOT_EXECUTABLE if error.filename else FAILED)
    warden.run()
    report = warden.report()
    try:
        paper.write(report)
    except OSError as error:
        return _complain(f"run: --report: {error.strerror}", FAILED)
    for left in report["survivors"]:
        _complain("run: {name} (pid {pid}, {state}) is left: {why}".format(**left), FAILED)
    if report["survivors"]:
        return FAILED
    if warden.reason == TIMEOUT:
        return TIMED_OUT
    return 128 + report["signal"] if report["signal"] else report["exit_status"] or 0


def _complain(text: str, status: int) -> int:
    try:
        print(f"pydfly: {text}", file=sys.stderr, flush=True)
    except OSError:  # nobody reads it any longer; the status tells the same
        return status
    return status
