"""``pydfly run``: run a command in the foreground so that nothing it starts outlives it."""

from __future__ import annotations

import sys

from ..supervisor.foreground import Foreground
from ..supervisor.launch import Launch
from ..supervisor.states import TIMEOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .options import Parsed

TIMED_OUT, FAILED, NOT_EXECUTABLE, NOT_FOUND = 124, 125, 126, 127


def main(parsed: Parsed) -> int:
    """Run the command line and return the exit status."""
    import os

    given = parsed.values
    _check_backend()
    launch = Launch(
        [os.fsencode(word) for word in parsed.arguments],
        env=dict(os.environb),
        grace=given.get("--grace", 5.0),
        wait_all="--wait-all" in given,
        timeout=given.get("--timeout", 0) or None,
        pdeathsig=given.get("--pdeathsig", 0),
    )
    descriptors = open_descriptors()
    try:
        reports = Reports(given.get("--report"), "--summary" in given)
        domain = Foreground(launch, descriptors, reports.descriptors)
        domain.run()
        return _conclude(domain, reports)
    except (OSError, MemoryError) as error:
        return _complain(_reason(error), FAILED)


def _reason(error: BaseException) -> str:
    """Say in a line what went wrong here."""
    if isinstance(error, OSError):
        return f"{error.filename or 'run'}: {error.strerror or error}"
    return f"run: {'no memory' if isinstance(error, MemoryError) else repr(error)}"


def open_descriptors() -> list[int]:
    """Return the numbers of the descriptors that a program executed now would inherit."""
    import os

    try:
        numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        numbers = list(range(256))
    return [number for number in numbers if _is_inherited(number)]


def _is_inherited(number: int) -> bool:
    import os

    try:
        return os.get_inheritable(number)
    except OSError:
        return False


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
        if self._summary and report.get("processes"):
            from .summary import show

            try:  # noqa: SIM105  contextlib would be imported for this alone
                show(report, sys.stderr)
            except OSError:  # a full disk: there is no place to tell it
                pass
        if self._file is not None and (trouble := self._file.write(report)) is not None:
            _complain(f"run: --report: {self._name}: {trouble}", FAILED)


def _conclude(domain: Foreground, reports: Reports) -> int:
    """Write the report, say what is to be said, and return the exit status of ``pydfly run``."""
    report = domain.report
    if domain.trouble is not None:
        return _complain(_reason(domain.trouble), FAILED)
    if domain.failure:
        return _not_started(domain, reports)
    if report is None:
        left = domain.lost or []
        ended = "some processes are left" if left else "everything it guarded was ended"
        reports.write({"command": words(domain), "error": f"the warden was killed; {ended}", "survivors": left})
        _complain(f"run: the warden was killed; {ended}", FAILED)
        return _name_survivors(left)
    reports.write(report)
    if report["survivors"]:
        return _name_survivors(report["survivors"])
    if report["reason"] == TIMEOUT:
        return TIMED_OUT
    return 128 + report["signal"] if report["signal"] else report["exit_status"] or 0


def words(domain: Foreground) -> list[str]:
    """Return the words of the command as text."""
    import os

    return [os.fsdecode(word) for word in domain.launch.command]


def _not_started(domain: Foreground, reports: Reports) -> int:
    import errno

    assert domain.failure
    _, number, text, path = domain.failure
    text = f"{path or 'run'}: {text}"
    nothing: dict[str, Any] = {
        "pid": 0,
        "exit_status": None,
        "signal": None,
        "processes": [],
        "unlisted": 0,
        "survivors": [],
    }
    reports.write({"command": words(domain), **nothing, "spared": [], "reason": "not started", "error": text})
    if number == errno.ENOENT:
        return _complain(text, NOT_FOUND)
    return _complain(text, NOT_EXECUTABLE if path else FAILED)


def _name_survivors(survivors: list[dict[str, Any]]) -> int:
    for left in survivors:
        _complain("run: {name} (pid {pid}, {state}) is left: {why}".format(**left), FAILED)
    return FAILED


def _complain(text: str, status: int) -> int:
    from ..escape import escape  # only a command that fails needs it

    try:
        print(f"pydfly: {escape(text)}", file=sys.stderr, flush=True)
    except OSError:  # nobody reads it any longer; the status tells the same
        return status
    return status
