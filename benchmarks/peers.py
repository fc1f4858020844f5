"""The programs and packages of other people that the rows compare with, and how to get them."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec

PEERS = {
    "psutil": "pip install psutil",
    "pyprctl": "pip install pyprctl",
    "prctl": "pip install python-prctl  (compiles: apt-get install gcc libcap-dev)",
    "tini": "apt-get install tini",
    "dumb-init": "apt-get install dumb-init",
    "catatonit": "apt-get install catatonit",
    "honcho": "pip install honcho",
    "bwrap": "apt-get install bubblewrap",
    "supervisord": "pip install supervisor",
}
"""Name of the module or program, and the command that installs it."""

MODULES = {"psutil", "pyprctl", "prctl"}


def missing() -> dict[str, str]:
    """Return the peers that this machine lacks, with the command that gets each."""
    return {name: how for name, how in PEERS.items() if not _is_here(name)}


def path(name: str) -> str:
    """Return where a program is, on the PATH or beside the interpreter; empty if it is nowhere."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{sys.prefix}/bin") or ""


def _is_here(name: str) -> bool:
    return find_spec(name) is not None if name in MODULES else bool(path(name))
