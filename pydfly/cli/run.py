"""``pydfly run``: run a command in the foreground so that nothing it starts outlives it."""

from __future__ import annotations

import sys

from ..supervisor.domain import fill_standard_descriptors
from ..supervisor.guard import FAILED, Guard
from ..supervisor.launch import Launch
from ..supervisor.warden import TIMEOUT
from . import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from typing import Any

    from ..supervisor.warden import Warden
else:
    import _signal

HELP = """\
usage: pydfly run [--grace S] [--timeout S] [--wait-all] [--pdeathsig SIG]
                  [--report FILE] [--summary] [--] CMD ARG...

Run CMD in the foreground.  When it ends, everything that it started ends with
it, wherever that went: SIGTERM first, SIGKILL after the grace.  The same happens
on SIGTERM, and when pydfly itself is killed.

  --grace S        seconds between SIGTERM and SIGKILL (5)
  --timeout S      end everything after so many seconds
  --wait-all       when CMD has ended, wait for its descendants instead of
                   ending them: for daemons
  --pdeathsig SIG  the signal that CMD gets when its supervisor dies
  --report FILE    write a JSON object about what ran and how it ended; `-` is
                   stdout
  --summary        show the same on stderr, for people

SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH and SIGCONT are forwarded; a
second Ctrl-C kills at once.  Exit status: that of CMD; 128+N if signal N killed
it; 124 on timeout; 125 if pydfly itself failed; 126 if CMD cannot be executed;
127 if there is no such command."""

TIMED_OUT, NOT_EXECUTABLE, NOT_FOUND = 124, 126, 127


class Options:
    """What the command line says."""

    def __init__(self) -> None:
        self.grace = 5.0
        self.timeout: float | None = None
        self.wait_all = False
        self.pdeathsig = 0
        self.report: str | None = None
        self.summary = False
        self.help = False
        self.command: list[str] = []


def parse(arguments: list[str]) -> Options:
    """Read the words before the command; everything from the first that is no option on is the command.

    Raises:
        UsageError: the words cannot be meant.
    """
    options = Options()
    words = iter(arguments)
    for word in words:
        if word == "--" or not word.startswith("-") or word == "-":
            options.command = [*([] if word == "--" else [word]), *words]
            break
        name, equals, value = word.partition("=")
        if name in {"-h", "--help"}:
            options.help = True
            return options
        if name == "--wait-all" and not equals:
            options.wait_all = True
        elif name == "--summary" and not equals:
            options.summary = True
        elif name in {"--grace", "--timeout", "--pdeathsig", "--report"}:
            if (not equals and (value := next(words, "")) == "") or not value:
                raise UsageError(f"run: {name} needs a value")
            _set(options, name, value)
        else:
            raise UsageError(f"run: unknown option {word!r}; `pydfly run --help` lists them")
    if not options.command:
        raise UsageError("run: which command? usage: pydfly run [options] [--] CMD ARG...")
    return options


def _set(options: Options, name: str, value: str) -> None:
    if name == "--report":
        options.report = value
    elif name == "--pdeathsig":
        options.pdeathsig = _signal_number(value)
    elif name == "--grace":
        options.grace = _seconds(name, value)
    else:
        options.timeout = _seconds(name, value)


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        raise UsageError(f"run: {name}: {value!r} is no number of seconds") from None
    if not 0 <= seconds < float("inf"):
        raise UsageError(f"run: {name}: {value!r} is no time to wait")
    return seconds


def _signal_number(value: str) -> int:
    if value.isascii() and value.isdigit():
        number = int(value)
    else:
        name = value.upper()
        number = getattr(_signal, name if name.startswith("SIG") else f"SIG{name}", 0)
        if name.startswith(("SIG_", "_")) or not isinstance(number, int):
            number = 0
    if number not in _signal.valid_signals():
        raise UsageError(f"run: --pdeathsig: {value!r} is no signal")
    return number


def main(arguments: list[str]) -> int:
    """Run the command line and return the exit status."""
    options = parse(arguments)
    if options.help:
        print(HELP)
        return 0
    _check_backend()
    launch = Launch(
        list(options.command),
        grace=options.grace,
        linger=options.wait_all,
        timeout=options.timeout,
        pdeathsig=options.pdeathsig,
    )
    fill_standard_descriptors()
    try:
        paper = Paper(options)
        status = Guard(launch, kept=paper.descriptors).keep(lambda warden: _work(warden, paper))
    except OSError as error:
        return _complain(f"{error.filename or 'run'}: {error.strerror}", FAILED)
    if status is None:
        paper.write({"command": options.command, "error": "the warden was killed; everything it guarded was ended"})
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

    def __init__(self, options: Options) -> None:
        self.descriptors: tuple[int, ...] = ()
        self.summary = options.summary
        if options.report is None:
            return
        import os

        if options.report == "-":
            self.descriptors = (os.dup(1),)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            self.descriptors = (os.open(options.report, flags, 0o666),)

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
