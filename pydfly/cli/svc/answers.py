"""What a daemon answers to each directive.

An answer is a generator: it says text, and yields how many seconds to wait until it goes on, None for as long as
nothing changes.  So no client waits for another.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from ...escape import escape
from ...supervisor.services.guarded_service import GuardedService
from ...supervisor.services.log import LOST
from ...supervisor.services.status import ServiceStatus, ended
from . import wire
from .grammar import HELP, read
from .request import Refused, Request

Answer = Iterator[float | None]

MOST_WAITS = 60
"""Times that a client is told that the service is still stopping, once a second, before it gives up."""

_STATES = {"stopping": "killing", "waiting": "stopped"}  # the tool's words for ours
_BEHIND = 65536  # bytes that a client may be behind before it must read on


class KeptService(GuardedService):
    """The service of a daemon."""

    announced = 0
    """The launch that a client was told of last."""


class Talk:
    """One client's side of an answer.

    ``send`` takes the bytes that go to the client; ``behind`` tells how many of them it has not taken yet.
    """

    def __init__(self, send: Callable[[bytes], None], behind: Callable[[], int]) -> None:
        self.write = send
        self.behind = behind
        self.cut_short = False
        """The client has asked for something else, or the daemon ends: a log that is followed ends."""

    def say(self, text: str) -> None:
        """Send a line."""
        line = os.fsencode(text)
        self.write((b".." if line == b"." else line) + b"\n")


def answer(service: KeptService, talk: Talk, line: bytes) -> Answer:
    """Answer one request line; all of it but the last line."""
    if b"\0" in line:
        talk.say("a null byte cannot be in an argument")
        return
    try:
        request = read(wire.decode(line))
    except Refused as refused:
        for text in refused.lines:
            talk.say(escape(text))
        return
    yield from _ANSWERS[request.directive](service, talk, request) or ()


def _help(_: KeptService, talk: Talk, request: Request) -> None:
    talk.write(HELP.encode())


def _init(service: KeptService, talk: Talk, request: Request) -> None:
    talk.say(f"svc {service.name}: init is not for a daemon that runs")


def _list(service: KeptService, talk: Talk, request: Request) -> None:
    if request.json:
        import json

        talk.say(json.dumps(service.name))
    else:
        talk.say(f"{service.name:<16}")


def _status(service: KeptService, talk: Talk, request: Request) -> None:
    status = service.status()
    state = _column(service, status)
    if request.json:
        import json

        talk.say(json.dumps({**status._asdict(), "column": state, "log": service.output.log_path}))
    else:
        talk.say(f"{service.name:<16} {state}" + (_more(status) if request.verbose else ""))


def _column(service: KeptService, status: ServiceStatus) -> str:
    """Return the state in the tool's words."""
    if status.state == "stopped":
        return "stopped (exiting)" if service.exiting else "stopped (manual)" if status.manual else "stopped"
    if status.state == "starting":
        return "starting" if service.rules.ready else "running"
    return _STATES.get(status.state, status.state)


def _more(status: ServiceStatus) -> str:
    """Return what -v adds to the column."""
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(status.since))
    parts = [f"pid {status.pid}" if status.pid else "", f"since {since}", f"restarts {status.restarts}"]
    if status.restart_at is not None:
        parts.append(f"restart in {max(0.0, status.restart_at - time.time()):.1f} s")
    parts.append("" if status.last_exit is None else ended(status.last_exit))
    parts += [escape(status.reason), escape(status.text)]
    return "".join(f"  {part}" for part in parts if part)


def _start(service: KeptService, talk: Talk, request: Request) -> Answer:
    status = service.status()
    if status.state == "stopping":
        service.start()
        talk.say(f"svc {service.name}: Waiting for previous action to complete")
    elif status.state == "running" or (status.state == "starting" and status.pid):
        talk.say(f"svc {service.name}: Already started pid {service.last_pid}")
        service.announced = max(service.announced, status.launches)
    else:
        service.start()
        yield from _started(service, talk)


def _started(service: KeptService, talk: Talk) -> Answer:
    """Wait until the command was executed or refused, and say so; of several clients one is told of the start."""
    while (status := service.status()).state == "starting" and not status.pid:
        yield None
    if status.state in ("starting", "running") and service.announced == status.launches:
        talk.say(f"svc {service.name}: Already started pid {service.last_pid}")
    elif status.state == "failed":
        talk.say(f"svc {service.name}: Unable to start: {escape(status.reason)}")
    else:
        service.announced = status.launches
        talk.say(f"svc {service.name}: Starting pid {service.last_pid}")


def _stop(service: KeptService, talk: Talk, request: Request) -> Answer:
    talk.say(f"svc {service.name}: Stopping")
    scope = "everybody" if request.directive == "stopall" else request.restart_with or service.rules.ends_with
    service.stop(scope, request.grace)
    yield from _stopped(service, talk)


def _stopped(service: KeptService, talk: Talk) -> Answer:
    for _ in range(MOST_WAITS):
        if service.status().state != "stopping":
            return
        talk.say(f"svc {service.name}: Waiting for service to stop")
        until = time.monotonic() + 1
        while (rest := until - time.monotonic()) > 0 and service.status().state == "stopping":
            yield rest
    if service.status().state == "stopping":
        talk.say(f"svc {service.name}: Giving up waiting for stop")


def _restart(service: KeptService, talk: Talk, request: Request) -> Answer:
    talk.say(f"svc {service.name}: Stopping")
    service.restart(request.grace)
    yield from _stopped(service, talk)
    if service.status().state != "stopping":
        yield from _started(service, talk)


def _exit(service: KeptService, talk: Talk, request: Request) -> Answer:
    talk.say(f"svc {service.name}: Stopping and Exiting")
    talk.say(f"svc {service.name}: Stopping")
    service.exit(0.0 if request.directive == "kill" else request.grace)
    yield from _stopped(service, talk)
    while service.status().state != "stopping" and not talk.cut_short:
        yield None  # until the daemon has removed its files: this answer is the last thing that it does


def _log(service: KeptService, talk: Talk, request: Request) -> Answer:
    dots = wire.Dots()
    position = service.output.ring.end
    if request.directive != "tailf":
        talk.write(dots.escape(service.output.ring.read()))
    while request.directive != "log" and not talk.cut_short:
        if talk.behind() < _BEHIND:
            data, lost = service.output.ring.since(position)
            position = service.output.ring.end
            if lost:
                talk.write(dots.finish() + LOST)
            talk.write(dots.escape(data))
        yield None
    talk.write(dots.finish())


def _logfile(service: KeptService, talk: Talk, request: Request) -> None:
    path = request.arguments[0] if request.arguments else request.log or service.output.log_path
    if path is not None:
        what = f"Reopen logfile {path}" if path == service.output.log_path else f"Change logfile to {path}"
        talk.say(f"svc {service.name}: {escape(what)}")
        try:
            service.output.use_log(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            talk.say(f'svc {service.name}: Unable to open/create "{escape(path)}": {reason}')


_ANSWERS: dict[str, Callable[[KeptService, Talk, Request], Answer | None]] = {
    "init": _init,
    "start": _start,
    "stop": _stop,
    "stopall": _stop,
    "restart": _restart,
    "exit": _exit,
    "kill": _exit,
    "list": _list,
    "status": _status,
    "log": _log,
    "logf": _log,
    "tailf": _log,
    "logfile": _logfile,
    "help": _help,
}
