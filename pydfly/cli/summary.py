"""What ``pydfly run --summary`` shows on standard error: the report, for people."""

from __future__ import annotations

import os
import shlex
import signal

from ..escape import escape
from ..supervisor.arguments import signal_name
from .screen import table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

MOST = 40  # processes that are shown

HEAD = ("PID", "PARENT", "NAME", "ENDED", "SECONDS", "CPU", "MEMORY")


def show(report: dict[str, Any], file: TextIO) -> None:
    """Print the sentence and the table."""
    processes = report["processes"]
    print(f"pydfly: {sentence(report)}", file=file)
    rows = [_row(process) for process in processes[:MOST]]
    if rows and _table_width(rows) > _columns(file):
        for row in rows:
            _list_entry(row, file)
    elif rows:
        table(file, HEAD, rows, [_style(process) for process in processes[:MOST]])
    if more := len(processes) - len(rows) + report["unlisted"]:
        print(f"and {more} more", file=file)
    for left in report["survivors"]:
        print(escape("left: {name} (pid {pid}, {state}): {why}".format(**left)), file=file)
    file.flush()


def sentence(report: dict[str, Any]) -> str:
    """Say in one line what ran, how it ended, and what is left."""
    command = escape(shlex.join(report["command"]))
    if report["exit_status"] is not None or report["signal"] is not None:
        how = _how(report["exit_status"], report["signal"])
    else:
        how = "not ended" if report["survivors"] else "not started"
    count = len(report["processes"]) + report["unlisted"]
    left = f"{len(report['survivors'])} left" if report["survivors"] else "no process is left"
    if len(command) > 60:
        command = command[:59] + "…"
    took = f"{report['end'] - report['start']:.2f} s"
    return f"{command}: {how}, {took}; {report['reason']}; {count} process{'es' if count != 1 else ''} met, {left}"


def _columns(file: TextIO) -> float:
    """Return how many columns there are to show something in: where it is no terminal, any number."""
    try:
        return os.get_terminal_size(file.fileno()).columns or float("inf")
    except (OSError, ValueError):
        return float("inf")


def _table_width(rows: list[tuple[str, ...]]) -> int:
    widths = [max(len(row[place]) for row in (HEAD, *rows)) for place in range(len(HEAD))]
    return sum(widths) + 2 * (len(HEAD) - 1)


def _list_entry(row: tuple[str, ...], file: TextIO) -> None:
    """Print one process on lines that are short enough for the narrowest terminal."""
    pid, parent, name, ended, seconds, cpu, memory = row
    print(f"{pid} {name}: {ended}", file=file)
    print(f"  parent {parent}, {seconds} s", file=file)
    if cpu != "-":
        print(f"  CPU {cpu} s, memory {memory}", file=file)


def _row(process: dict[str, Any]) -> tuple[str, ...]:
    usage = process["rusage"]
    both = process["start"] is not None and process["end"] is not None
    return (
        str(process["pid"]),
        str(process["parent"]),
        escape(process["name"] or "?"),
        _how(process["status"], process["signal"]),
        f"{process['end'] - process['start']:.2f}" if both else "-",
        f"{usage['user_time'] + usage['system_time']:.2f}" if usage else "-",
        f"{usage['max_rss'] / 1024:.1f} MB" if usage else "-",
    )


def _how(status: int | None, number: int | None) -> str:
    if number is not None:
        return signal_name(number)
    return "not seen" if status is None else f"exit {status}"


def _style(process: dict[str, Any]) -> str:
    if process["signal"] in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        return "red"
    return "yellow" if process["signal"] or process["status"] else ""
