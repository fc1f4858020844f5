"""One process that was left behind, in words."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection
from fnmatch import fnmatchcase

from ..backends.environment import machine
from ..escape import escape
from ..named_tuple import NamedTuple
from ..structs import DescendantInfo
from .births import Origin


class LeakedProcessWarning(UserWarning):
    """A test left a process behind."""


class Leak(NamedTuple):
    """One process that was left behind, as it was when it was found."""

    process: DescendantInfo
    """Pid, parent, name, state and start time."""
    command: str
    """Its command line, or its name in brackets where that cannot be read."""
    origin: Origin
    """The fixture or test that started it."""
    ended: bool
    """It is gone now."""

    def told(self, test: object = None) -> str:
        """Describe it on one line; the test that started it is named unless it is this one."""
        age = max(time.time() - self.process.start_time, 0.0)
        whose = f", of {self.origin.text}" if self.origin.key not in (test, None) else ""
        left = "" if self.ended else ", and does not die of SIGKILL"
        return escape(f"{self.process.name} (pid {self.process.pid}, {age:.1f} s old{whose}{left}): {self.command}")

    def __str__(self) -> str:
        return self.told()


def is_named(process: DescendantInfo, patterns: Collection[str]) -> bool:
    """Say whether its name is one of these patterns of the shell."""
    return any(fnmatchcase(process.name, pattern) for pattern in patterns)


def is_pythons_own(pid: int) -> bool:
    """Say whether multiprocessing started it for the whole program, once: resource tracker and fork server."""
    known: Collection[object] = [
        getattr(getattr(sys.modules.get(module), name, None), attribute, None)
        for module, name, attribute in (
            ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
            ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
        )
    ]
    return pid in known


def command_line(process: DescendantInfo) -> str:
    """Return the command line of a process."""
    import shlex

    if machine() == "linux":
        try:
            with open(f"/proc/{process.pid}/cmdline", "rb") as file:
                words = file.read().rstrip(b"\0").split(b"\0")
        except OSError:
            words = []
        return shlex.join(os.fsdecode(word) for word in words) if any(words) else f"[{process.name}]"
    import subprocess

    told = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(process.pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or f"[{process.name}]"
