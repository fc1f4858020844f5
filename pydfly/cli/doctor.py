"""``pydfly doctor``: which backend answers and why, what is live, what this machine lacks and how to get it."""

from __future__ import annotations

import os
import sys

from .. import __version__, backends
from ..errors import BackendError
from ..escape import escape
from ..named_tuple import NamedTuple
from ..structs import BackendInfo
from .options import Parsed

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


GOOD, NOTE, AMISS = "ok", "note", "lack"


class Check(NamedTuple):
    """One thing that this machine has or lacks."""

    name: str
    state: str
    """GOOD; NOTE: it is not there, and nothing is amiss; AMISS: something does not work because of it."""
    detail: str
    remedy: str = ""
    """What to do where something is amiss; empty where nothing is, or where nothing can be done."""


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
        print(f"{'because' if number == 0 else '':<10}{escape(sentence)}")
    print()
    for capability in CAPABILITIES:
        print(f"{capability:<32}{provided(info, capability)}")
    print()
    for check in checks:
        print(f"{check.state:<6}{check.name:<28}{escape(check.detail)}")
        if check.remedy:
            print(f"{'':<34}{check.remedy}")
    return int(info.name == "none")


def report(info: BackendInfo, checks: list[Check]) -> dict[str, object]:
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
    uid, draws = os.geteuid(), _is_installed("rich")
    places = "finds the place for services' files"
    root = f"no, uid {uid}; only root may make programs resident" if uid else "yes"
    rich = (
        "draws trees and tables on a terminal" if draws else "not installed: trees and tables are drawn in plain text"
    )
    return [
        Check("superuser", NOTE if uid else GOOD, root),
        Check("platformdirs", GOOD, places)
        if _is_installed("platformdirs")
        else Check("platformdirs", AMISS, f"missing: {places}", "pip install platformdirs"),
        Check("rich", GOOD if draws else NOTE, rich),
        *(_examine_linux() if sys.platform.startswith("linux") else [_native_binding()]),
    ]


def _native_binding() -> Check:
    from ..backends import native

    refused = native.obstacle()
    if refused is None:
        return Check("native binding", GOOD, "built")
    if sys.platform.startswith(("dragonfly", "freebsd")):
        return Check("native binding", AMISS, refused, "in a clone of pydfly: PYDFLY_BUILD_EXTENSION=yes pip install .")
    return Check("native binding", NOTE, refused)


def _examine_linux() -> list[Check]:
    from ..backends.linux import prctl

    refused = prctl.obstacle()
    checks = [Check("subreaper and pidfd", AMISS if refused else GOOD, refused or "yes", _pidfd_remedy(refused or ""))]
    try:
        shown = os.readlink("/proc/self")
    except OSError:
        remedy = "mount -t proc proc /proc"
        return [*checks, Check("/proc", AMISS, "not mounted, so processes cannot be listed", remedy)]
    if shown != str(os.getpid()):
        remedy = "mount a /proc in this namespace (unshare does it with --mount-proc)"
        return [*checks, Check("/proc", AMISS, "shows another pid namespace", remedy)]
    hidden = [name for name in ("loadavg", "stat") if not os.path.exists(f"/proc/{name}")]
    if hidden:
        checks.append(Check("/proc", NOTE, f"mounted without {' and '.join(hidden)}: listings take longer"))
    elif not os.path.exists("/proc/1"):
        checks.append(Check("/proc", NOTE, "hides the processes of other users (hidepid)"))
    else:
        checks.append(Check("/proc", GOOD, "whole"))
    listed = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
    detail = "yes" if listed else "no, so descendants are found by looking at all processes"
    # CONFIG_PROC_CHILDREN cannot be switched on
    return [*checks, Check("children lists in /proc", GOOD if listed else NOTE, detail)]


def _pidfd_remedy(refused: str) -> str:
    if not refused:
        return ""
    if "EPERM" in refused or "EACCES" in refused:
        return "let the sandbox (seccomp) allow pidfd_open and pidfd_send_signal"
    return "a kernel of Linux 5.3 or newer"


def _is_installed(name: str) -> bool:
    """Say whether there is a package; a C module that it needs may be a port of its own on FreeBSD, and be missing."""
    from importlib.util import find_spec

    return find_spec(name) is not None
