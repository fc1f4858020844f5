"""``pydfly svc``: svc(8) on every system; a client of either talks to a daemon of either.

The daemon of a service is its guard: it owns the service's domain, restarts it, keeps its output and answers on a
socket.  Deputy and warden stand below it, so that its death ends the service.  Texts go to stdout, as the tool's do.
"""

from __future__ import annotations

import sys

from ...escape import escape
from . import client, grammar
from .request import Refused


def main(arguments: list[str]) -> int:
    """Do what the words say, and return the exit status."""
    try:
        request = grammar.read(arguments)
    except Refused as refused:
        if refused.complaint:
            print(escape(refused.complaint), file=sys.stderr, flush=True)
        for text in refused.lines:
            print(escape(text))
        if sys.stderr.isatty():  # a script sees what the tool says, and nothing else
            print("pydfly svc -h lists the directives; pydfly help svc shows the manual", file=sys.stderr)
        return 1
    if request.directive == "help":
        print(grammar.HELP, end="", flush=True)
        if sys.stderr.isatty():
            print("pydfly help svc shows the options, and the manual", file=sys.stderr)
        return 0
    if request.directive == "init":
        from .initialize import init

        return init(request)
    return client.ask(request, arguments)
