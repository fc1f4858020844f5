"""For other people's tests: simulated kernels, and the conformance suite for a backend of one's own.

``simulated`` needs nothing installed; the pytest plugin (``--reap-leaks``, the fixtures) is in
``pydfly.pytest_plugin`` and registers itself.
"""

from __future__ import annotations

from contextlib import contextmanager

from . import simkernel
from .backends import use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .backends.protocol import Backend
    from .simkernel import Process

PROGRAM = "/usr/local/bin/python3"
"""What the process of ``simulated`` runs."""


@contextmanager
def simulated(flavour: str = "dragonfly", *, version: str | None = None, uid: int = 0) -> Iterator[Process]:
    """Have the program act as a process of a new simulated kernel, for the length of a ``with`` block.

    ::

        with pydfly.testing.simulated("dragonfly") as process:
            pydfly.reaper.acquire()
            child = process.fork()
            assert pydfly.reaper.status().descendants == 1

    Args:
        flavour: ``"dragonfly"`` or ``"freebsd"``.
        version: which kernel of that system; the one that the rules were taken from, if not given.
        uid: user id of the process.

    Yields:
        The process; ``process.kernel`` is the kernel.

    Raises:
        ValueError: there is no such flavour or version.
    """
    process = simkernel.boot(flavour, version).spawn(PROGRAM, uid)
    with use(process):
        yield process


class ConformanceError(AssertionError):
    """A backend does not behave as it should; the text names each behaviour."""


def check_backend(make: Callable[[], Backend] | str) -> None:
    """Check every behaviour of the public API on a backend.

    A live backend is checked with real processes, fresh interpreters that this call starts and ends; nothing else
    is touched.

    Args:
        make: makes a backend.  It is called in other processes too, so it must be something that can be pickled: a
            function of a module, not a lambda.  Or the name of a backend, ``"linux"``.

    Raises:
        ConformanceError: something does not hold, and is no known difference of a backend of that name.
    """
    from .conformance import suite

    make = suite.maker(make) if isinstance(make, str) else make
    failed = [
        f"{result.behaviour.name}: {result.behaviour.sentence}\n"
        f"    to be observed: {result.expected!r}\n    observed:       {result.observed!r}"
        for result in suite.run(make)
        if not result.good
    ]
    if failed:
        raise ConformanceError(f"{len(failed)} behaviours do not hold\n" + "\n".join(failed))
