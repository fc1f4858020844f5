"""``pydfly run``: run a command in the foreground so that nothing it starts outlives it."""

from __future__ import annotations

import sys

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
    try:
        reports = Reports(given.get("--report"), "--summary" in given)
        status = Guard(launch, kept=reports.descriptors).keep(lambda warden: _work(warden, reports))
    except OSError as error:
        return _complain(f"{error.filename or 'run'}: {error.strerror}", FAILED)
    if status is None:
        reports.write({"command": parsed.arguments, "error": "the warden was killed; everything it guarded was ended"})
        return _complain("run: the warden was killed; everything it guarded was ended", FAILED)
    return status


def _check_backend() -> None:
    """Refuse a backend without real processes; asked only where somebody chose, as asking takes time."""
    import os

    if os.environ.get("PYDFLY_BACKEND") or not sys.platform.startswith(("linux", "dragonfly", "freebsd")):
        from ..supervisor.prepare import check_backend

        check_backend()


class Reports:
    """What is shown and written when all is over."""

    def __init__(self, name: str | None, summary: bool) -> None:
        self.descriptors: tuple[int, ...] = ()
        self._summary = summary
        self._file = None
        if name is None:
            return
        from .report_file import ReportFile

        self._name = name
        self._file = ReportFile(name)
        if self._file.trouble is not None:
            _complain(f"run: --report: {name}: {self._file.trouble}", FAILED)
        elif self._file.descriptor >= 0:
            self.descriptors = (self._file.descriptor,)

    def write(self, report: dict[str, Any]) -> None:
        """Write the report as one JSON object, and show it if that was asked for; trouble is a line on stderr."""
        if self._summary and "processes" in report:
            from .summary import show

            try:  # noqa: SIM105  contextlib would be imported for this alone
                show(report, sys.stderr)
            except OSError:  # a full disk: there is no place to tell it
                pass
        if self._file is not None and (trouble := self._file.write(report)) is not None:
            _complain(f"run: --report: {self._name}: {trouble}", FAILED)


def _work(warden: Warden, reports: Reports) -> int:
    """Be the warden's process: return the exit status of ``pydfly run``."""
    try:
        warden.start()
    except OSError as error:
        text = f"{error.filename or 'run'}: {error.strerror}"
        reports.write({**warden.report(), "reason": "not started", "error": text})
        if isinstance(error, FileNotFoundError):
            return _complain(text, NOT_FOUND)
        return _complain(text, NOT_EXECUTABLE if error.filename else FAILED)
    warden.run()
    report = warden.report()
    reports.write(report)
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
