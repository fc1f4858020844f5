"""The guard of ``supervise()`` and of a ``Supervisor``: a program of its own.

It is started from the caller without running any Python code in a copy of it.  ``pydfly run`` is its guard itself.
"""

from __future__ import annotations

import _signal
import errno
import os

from ..helper_socket import CUT_OFF, HelperSocket, close_all, needed
from ..services.services import Services
from ..wire import PROTOCOL, error_fields
from . import mailbox
from .guard import Guard
from .keeper import FAILED, last_resort
from .mailbox import Mailbox
from .own_process import (
    die_with_parent,
    fill_standard_descriptors,
    inherit_as_forked,
    let_go,
    name_myself,
    protect_myself,
)


def main(descriptor: int, owner: int, mask: list[int]) -> int:
    """Be the guard of ``supervise()`` or a ``Supervisor``: what to run comes over the socket to the owner.

    The owner is this process's parent while it lives.  ``mask`` are the signals that commands have blocked; in this
    process all are from the start.
    """
    fill_standard_descriptors()
    os.set_inheritable(descriptor, False)
    control = HelperSocket(descriptor)
    guard = None
    try:
        name_myself("pydfly-guard")
        protect_myself()
        inherit_as_forked()
        box = Mailbox(mask)
        services = Services(control.send)
        guard = Guard(box, services.tell, descriptor)
        let_go(box.null, box.null, descriptor, *guard.descriptors)
        guard.start_deputy()
        die_with_parent(_signal.SIGCONT, owner)
        mailbox.listen(descriptor)
        control.send(("hello", os.getpid(), PROTOCOL))
        _serve(box, guard, control, services, owner)
    except BaseException as error:  # whatever it is: no process may be left
        control.send(("failed", None, error_fields(error)))
        if guard is not None:
            last_resort(guard.keeper)
        return FAILED
    return 0


def _serve(box: Mailbox, guard: Guard, control: HelperSocket, services: Services, owner: int) -> None:
    closing = False
    while not (closing and guard.is_over):
        for message, descriptors in control.receive():
            whole = len(descriptors) == needed(message) and not closing
            if message[0] in ("domain", "ahead") and whole:
                guard.hand_down(message, descriptors)
            elif message[0] == "service" and whole:
                services.create(guard.hand_down, message, descriptors)
            else:
                close_all(descriptors)
                error = OSError(errno.EMFILE, CUT_OFF)
                control.send(("failed", message[1] if len(message) > 1 else None, error_fields(error)))
        control.send()
        guard.look_around()
        services.turn()
        if not closing and (control.closed or os.getppid() != owner):
            closing = True
            services.stop()
            guard.close()
            continue
        if not (closing and guard.is_over):
            box.wait_until(min(guard.due, services.due))
    services.close()
