"""``python -m pydfly`` is the command line."""

from __future__ import annotations

import _signal
import os
import sys

mask = None
if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:  # a signal that comes from now on is for the command, which does not run yet
        try:  # noqa: SIM105  contextlib would be imported for this alone
            mask = {int(number) for number in _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())}
        except OSError:  # a filter of system calls refuses it, as `run` will say
            pass
    # neither the current directory nor $PYTHONPATH, which is meant for the command, stands before Python's own modules
    foreign = {os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    sys.path.sort(key=foreign.__contains__)

from .cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(mask=mask))
