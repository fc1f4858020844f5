"""``pydfly doctor``: which backend answers and why, what is live, what this machine lacks and how to get it."""

from __future__ import annotations

import os
import sys

from .. import __version__, backends
from ..errors import BackendError
from ..structs import BackendInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from .options import Parsed
else:
    from ..records import NamedTuple

# what each backend does for real, what it only models, and what it cannot do
CAPABILITIES = {
    "reaper domains": {"native": "live", "linux": "live", "sim": "simulated"},
    "parent-death signal": {"native": "live", "linux": "live", "sim": "simulated"},
    "resident executables": {"native": "live (DragonFly)", "linux": "simulated", "sim": "simulated"},
    "effect of residency on exec": {"native": "live (DragonFly)", "linux": "absent", "sim": "simulated"},
    "signal confinement of domains": {"native": "live (DragonFly)", "linux": "absent", "sim": "simulated"},
    "supervisor": {"native": "live", "linux": "live", "sim": "absent"},
    "system-call table": {"native": "absent", "linux": "absent", "sim": "simulated"},
}

ON_DRAGONFLY_ONLY = {"resident executables", "effect of residency on exec", "signal confinement of domains"}


def provided(info: BackendInfo, capability: str) -> str:
    """Say how the backend in force provides something: live, simulated or not at all."""
    if info.flavour != "dragonfly" and capability in ON_DRAGONFLY_ONLY:
        return "absent"
    return CAPABILITIES[capability].get(info.name, "absent")


class Check(NamedTuple):
    """One thing that this machine has or lacks."""

    name: str
    good: bool
    detail: str
    remedy: str


def main(parsed: Parsed) -> int:
    """Print the report; exit status 0 if a backend works here."""
    checks = examine()
    try:
        info = backends.info()
    except BackendError as error:  # the case that a doctor is called for
        info = BackendInfo("none", backends.flavour(), False, str(error))
    if "--json" in parsed.values:
        import json

        print(json.dumps(report(info, checks), indent=2))
        return int(info.name == "none")
    print(f"pydfly {__version__}, Python {sys.version.split()[0]}, {sys.platform}")
    print(f"backend   {info.name}:{info.flavour} ({'live' if info.live else 'not live'})")
    for number, sentence in enumerate(info.why.split("; ")):
        print(f"{'because' if number == 0 else '':<10}{sentence}")
    print()
    for capability in CAPABILITIES:
        print(f"{capability:<32}{provided(info, capability)}")
    print()
    for check in checks:
        print(f"{'ok  ' if check.good else 'lack'}  {check.name:<28}{check.detail}")
        if not check.good:
            print(f"{'':<34}{check.remedy}")
    return int(info.name == "none")


def report(info: BackendInfo, checks: list[Check]) -> dict[str, Any]:
    """Return the same as one object."""
    return {
        "version": __version__,
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "backend": info._asdict(),
        "capabilities": {capability: provided(info, capability) for capability in CAPABILITIES},
        "checks": [check._asdict() for check in checks],
    }


def examine() -> list[Check]:
    """Look at what the live backends and the registry need."""
    root = os.geteuid() == 0
    checks = [
        Check("superuser", root, "yes" if root else f"no, uid {os.geteuid()}", "only root may make programs resident"),
        _module("platformdirs", "keeps the resident registry"),
        _module("elftools", "checks programs for resident", "pyelftools"),
        # the package is there even where the C module that it needs is not: a port of its own on FreeBSD
        _module("_sqlite3", "keeps the resident registry", "sqlite3 (of Python itself)", _sqlite_remedy()),
        _module("rich", "draws trees and tables on a terminal"),
    ]
    if sys.platform.startswith("linux"):
        checks += _examine_linux()
    else:
        from ..backends import native

        refused = native.obstacle()
        checks.append(
            Check(
                "native binding", refused is None, refused or "built", "PYDFLY_BUILD_EXTENSION=yes pip install pydfly"
            )
        )
    return checks


def _examine_linux() -> list[Check]:
    from ..backends.linux import prctl

    refused = prctl.obstacle()
    children_files = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
    own_cgroup = os.path.exists("/sys/fs/cgroup/cgroup.controllers") and os.access("/sys/fs/cgroup", os.W_OK)
    return [
        Check("subreaper and pidfd", refused is None, refused or "yes", "run a newer kernel"),
        Check(
            "children lists in /proc",
            children_files,
            "yes" if children_files else "no, so descendants are found by a scan of all processes",
            "a kernel with CONFIG_PROC_CHILDREN makes listings cheaper",
        ),
        Check(
            "cgroup v2 of its own",
            own_cgroup,
            "yes" if own_cgroup else "no, so trees are ended by pidfd alone",
            "not needed; with it, ending a fork storm takes one write",
        ),
    ]


def _sqlite_remedy() -> str:
    version = f"{sys.version_info[0]}{sys.version_info[1]}"
    if sys.platform.startswith(("freebsd", "dragonfly")):
        return f"pkg install py{version}-sqlite3"
    return "a Python that was built with SQLite's headers; some systems have it as a package of its own"


def _module(name: str, purpose: str, package: str = "", remedy: str = "") -> Check:
    from importlib.util import find_spec

    found = find_spec(name) is not None
    package = package or name
    return Check(package, found, purpose if found else f"missing: {purpose}", remedy or f"pip install {package}")
