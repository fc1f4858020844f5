"""``pydfly run``: run a command in the foreground so that nothing it starts outlives it."""

from __future__ import annotations

import errno
import os
import sys

from ..supervisor.foreground.foreground import Foreground
from ..supervisor.keepers.warden_states import COMMAND_ENDED, TIMEOUT
from ..supervisor.launch import Launch
from . import complain
from .inherited import check_backend, environment, ignored_before_python, open_descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .leftovers import Leftovers
    from .options import Parsed
    from .report_file import PidFile

TIMED_OUT, FAILED, NOT_EXECUTABLE, NOT_FOUND = 124, 125, 126, 127


def main(parsed: Parsed, mask: set[int] | None = None) -> int:
    """Run the command line and return the exit status; minus N to end by signal N.

    ``mask`` is the signal mask that this process began with; None for that of now.
    """
    given = parsed.values
    check_backend()
    words = [os.fsencode(word) for word in parsed.arguments]
    env, entries = environment()
    launch = Launch(
        words,
        env=env,
        entries=entries,
        grace=given.get("--grace", 5.0),
        stop_signal=given.get("--stop-signal", 15),
        kill_mode=given.get("--kill-mode", "mixed"),
        wait_all="--wait-all" in given,
        timeout=given.get("--timeout", 0) or None,
        pdeathsig=given.get("--pdeathsig", 0),
        spare=bool({"--spare", "--fail-on-leak"} & given.keys()),
        hand_listening=os.environb.get(b"LISTEN_PID") == b"%d" % os.getpid(),
        shell_script=True,
    )
    descriptors = open_descriptors()
    attendant = Attendant(given)
    reports = Reports(given.get("--report"), "--summary" in given)
    hint = ""
    if "--fail-on-leak" in given and words[0].isdigit():
        hint = f" (a status is given with =, as in --fail-on-leak={words[0].decode()})"
    try:
        if "--pidfile" in given:
            attendant.open_pidfile(given["--pidfile"])
        kept = (*reports.descriptors, *attendant.descriptors)
        domain = Foreground(launch, descriptors, kept, attendant, (mask, ignored_before_python()))
        if words[0] == b"":  # a name that no file has: behind a directory of $PATH it would be that directory
            domain.failure = "FileNotFoundError", errno.ENOENT, os.strerror(errno.ENOENT), "''"
        else:
            domain.run()
        return attendant.judge(domain, _conclude(domain, reports, hint))
    except (OSError, MemoryError) as error:
        return complain(_reason(error), FAILED)
    finally:
        attendant.close()


def _reason(error: BaseException) -> str:
    """Say in a line what went wrong here."""
    if isinstance(error, OSError):
        return f"{error.filename or 'run'}: {error.strerror or error}"
    return f"run: {'no memory' if isinstance(error, MemoryError) else repr(error)}"


class Attendant:
    """What is done while the command runs, as the options say."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.announces = os.isatty(2)
        self.descriptors: tuple[int, ...] = ()
        self._pidfile: PidFile | None = None
        self._leftovers: Leftovers | None = None
        if {"--spare", "--fail-on-leak"} & given.keys():
            from .leftovers import Leftovers

            self._leftovers = Leftovers(given.get("--spare", []), given.get("--fail-on-leak", 0))

    def open_pidfile(self, name: str) -> None:
        """Open a file for the pid of the command; OSError: the kernel's own errno."""
        from .report_file import PidFile

        try:
            self._pidfile = PidFile(name)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"run: --pidfile: {name}") from None
        self.descriptors = (self._pidfile.descriptor,)

    def started(self, pid: int) -> None:
        """Write the pid; trouble is a line on stderr, as the command runs already."""
        if self._pidfile and (trouble := self._pidfile.write(pid)) is not None:
            complain(f"run: --pidfile: {self._pidfile.name}: {trouble}", FAILED)

    def spares(self, members: list[tuple[Any, ...]], at_exit: bool) -> list[int]:
        """Return the pids of those that live on."""
        return self._leftovers.spares(members, at_exit) if self._leftovers else []

    def waiting(self, members: list[tuple[Any, ...]], rest: float) -> None:
        """Say which processes are still waited for."""
        try:
            from .leftovers import waiting
        except (OSError, ImportError, MemoryError):  # the command's processes have taken the descriptors away
            return
        if text := waiting(members, rest):
            complain(f"run: {text}", 0)

    def judge(self, domain: Foreground, status: int) -> int:
        """Name what the command left behind, and return the exit status for that if there is one."""
        if self._leftovers is None or domain.report is None or domain.report["reason"] != COMMAND_ENDED:
            return status
        for line in self._leftovers.lines():
            complain(f"run: {line}", 0)
        return self._leftovers.status if self._leftovers.leaked and status == 0 else status

    def close(self) -> None:
        """Remove the pid file."""
        if self._pidfile:
            self._pidfile.remove()


class Reports:
    """What is shown and written when all is over."""

    def __init__(self, name: str | None, summary: bool) -> None:
        self.descriptors: tuple[int, ...] = ()
        self._show: Callable[..., None] | None = None
        self._file = None
        if summary:
            from .summary import show  # now: later no descriptor may be free to load it

            self._show = show
        if name is None:
            return
        from .report_file import ReportFile

        self._name = name
        self._file = ReportFile(name)
        if self._file.trouble is not None:
            complain(f"run: --report: {name}: {self._file.trouble}", FAILED)
        elif self._file.descriptor >= 0:
            self.descriptors = (self._file.descriptor,)

    def write(self, report: dict[str, Any]) -> None:
        """Write the report as one JSON object, and show it if that was asked for; trouble is a line on stderr."""
        if self._show and report.get("processes"):
            try:  # noqa: SIM105  contextlib would be imported for this alone
                self._show(report, sys.stderr)
            except OSError:  # a full disk: it cannot be told either
                pass
        if self._file is not None and (trouble := self._file.write(report)) is not None:
            complain(f"run: --report: {self._name}: {trouble}", FAILED)


def _conclude(domain: Foreground, reports: Reports, hint: str) -> int:
    """Write the report, print what the user must know, and return the exit status of ``pydfly run``.

    ``hint`` is added if there is no such command.
    """
    report = domain.report
    if domain.trouble is not None:
        return complain(_reason(domain.trouble), FAILED)
    command = [os.fsdecode(word) for word in domain.launch.command]
    if domain.failure:
        return _not_started(command, domain.failure, reports, hint)
    if report is None:
        left = domain.lost or []
        ended = "some processes are left" if left else "everything it guarded was ended"
        reports.write({"command": command, "error": f"the warden was killed; {ended}", "survivors": left})
        complain(f"run: the warden was killed; {ended}", FAILED)
        return _name_survivors(left)
    reports.write(report)
    if report["survivors"]:
        return _name_survivors(report["survivors"])
    if report["reason"] == TIMEOUT:
        return TIMED_OUT
    return -report["signal"] if report["signal"] else report["exit_status"] or 0


def _not_started(
    command: list[str], failure: tuple[str, int | None, str, str | None], reports: Reports, hint: str
) -> int:
    _, number, text, path = failure
    text = f"{path or 'run'}: {text}"
    nothing: dict[str, Any] = {
        "pid": 0,
        "exit_status": None,
        "signal": None,
        "processes": [],
        "unlisted": 0,
        "survivors": [],
    }
    reports.write({"command": command, **nothing, "spared": [], "reason": "not started", "error": text})
    if number in (errno.ENOENT, errno.ENOTDIR):
        return complain(text + hint, NOT_FOUND)
    return complain(text, NOT_EXECUTABLE if path else FAILED)


def _name_survivors(survivors: list[dict[str, Any]]) -> int:
    for left in survivors:
        complain("run: {name} (pid {pid}, {state}) is left: {why}".format(**left), FAILED)
    return FAILED
