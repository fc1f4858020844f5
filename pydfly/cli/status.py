"""``pydfly status``: what this process is in the world of reapers.

Being a reaper and the parent-death signal are kept by exec, so ``exec pydfly status`` shows what a script has set.
"""

from __future__ import annotations

from .. import pdeathsig, reaper
from ..backends import current

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    rows = [
        ("process", f"{backend.processes.getpid()} (backend {backend.name}:{backend.flavour})"),
        ("reaper", "yes" if status.owned else "no"),
        ("real init", "yes" if status.real_init else "no"),
        ("its reaper", _known(status.reaper_pid)),
        ("newest child", "none" if status.first_pid is None else str(status.first_pid)),
        ("children in the domain", _known(status.children)),
        ("members of the domain", _known(status.descendants)),
        ("parent-death signal", f"{signal} ({_signal_name(signal)})" if signal else "none"),
    ]
    for name, value in rows:
        print(f"{name:<24}{value}")
    return 0


def _known(value: int | None) -> str:
    return "this system does not tell" if value is None else str(value)


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return "no signal of this host"
