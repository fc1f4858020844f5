"""``pydfly status``: which reaper this process has, or is, and its parent-death signal.

Being a reaper and the parent-death signal are kept by exec, so ``exec pydfly status`` shows what a script has set.
"""

from __future__ import annotations

from .. import pdeathsig, reaper
from ..backends import current
from .options import Parsed


def main(parsed: Parsed) -> int:
    """Print the reaper status and the parent-death signal of the calling process."""
    backend = current()
    status = reaper.status()
    signal = pdeathsig.get()
    if "--json" in parsed.values:
        import json

        what = {"backend": f"{backend.name}:{backend.flavour}", "pid": backend.processes.getpid()}
        print(json.dumps({**what, **status._asdict(), "pdeathsig": signal}, indent=2))
        return 0
    owns = "yes" if status.owned else "no"
    whose = "this process" if status.owned else "a process above this one"
    rows = [
        ("process", f"{backend.processes.getpid()} (backend {backend.name}:{backend.flavour})"),
        ("reaper", f"{owns}: when a descendant loses its parent, {whose} becomes its parent"),
        ("real init", "yes: the first process of the system" if status.real_init else None),
        ("its reaper", status.reaper_pid),
        ("newest child", "none" if status.first_pid is None else status.first_pid),
        ("children in the domain", status.children),
        ("members of the domain", status.descendants),
        (
            "parent-death signal",
            f"{signal} ({_signal_name(signal)}): sent to this process when its parent ends" if signal else "none",
        ),
    ]
    for name, value in rows:
        if value is not None:
            print(f"{name:<24}{value}")
    untold = [name for name, value in rows if value is None and name != "real init"]
    if untold:
        print(f"not told by this system: {', '.join(untold)}")
    return 0


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return "no signal of this host"
