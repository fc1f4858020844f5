"""``supervise()`` and ``Supervisor`` for asyncio: the same names, awaitable.

::

    async with pydfly.aio.supervise(["redis-server", "--daemonize", "yes"]) as service:
        await service.wait_started()
        await service.processes()

No thread and no child watcher is used: the event loop watches one descriptor for each guard.  Pipes to and from the
command are streams.  A ``Supervisor`` keeps services, too: ``service()``.
"""

from __future__ import annotations

import asyncio

from .supervisor import domains
from .supervisor.aio_supervised import Supervised
from .supervisor.aio_supervisor import Supervisor
from .supervisor.services.aio_service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from .supervisor.arguments import Arguments, Word

__all__ = ["Service", "Supervised", "Supervisor", "supervise"]


def supervise(
    command: Iterable[Word], *, interpreter: Word | None = None, **arguments: Unpack[Arguments]
) -> Supervised:
    """Run a command as ``pydfly.supervise()`` does, with the same arguments; call it while an event loop runs.

    Awaited, it returns the handle when the command was executed, or raises why that failed.

    ``spare`` is a plain function.  With ``subprocess.PIPE`` ``stdin`` is a StreamWriter, ``stdout`` and ``stderr`` are
    StreamReaders.

    Raises:
        BackendError, OSError, TypeError, ValueError, OverflowError, KeyError: as there.
        RuntimeError: no event loop is running.
    """
    asyncio.get_running_loop()
    return domains.start_alone(Supervised, command, interpreter, dict(arguments))
