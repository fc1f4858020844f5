"""The warden's talk with its owner: requests in, answers and news out."""

from __future__ import annotations

import os

from .line import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..structs import DescendantInfo
    from .warden import Warden
    from .wire import Message


class Conversation:
    """What the owner is told and asked.

    Args:
        descriptor: the socket to the owner; its end is the end of the owner.
    """

    def __init__(self, descriptor: int) -> None:
        self.line = Line(descriptor)

    def hear(self, warden: Warden) -> None:
        """Do what the owner asks; the owner gone means that the domain must end."""
        for message in self.line.receive():
            self._answer(warden, message)
        self.line.send()
        if self.line.closed:
            warden.end("the owner is gone")

    def _answer(self, warden: Warden, message: Message) -> None:
        name, *values = message
        if name == "signal":
            warden.signal(values[0])
        elif name == "stop":
            warden.end("asked to end", values[0])
        elif name == "processes":
            self.line.send(("processes", values[0], [tuple(member) for member in warden.members()]))
        elif name == "spare":
            warden.spare(values[0])

    def ask(self, members: list[DescendantInfo]) -> None:
        """Ask whom of these to spare."""
        self.line.send(("ask", [tuple(member) for member in members]))

    def started(self, pid: int) -> None:
        """Tell that the command has been executed."""
        self.line.send(("started", pid))

    def exited(self, status: int) -> None:
        """Tell that the command has ended."""
        self.line.send(("exited", status))

    def failed(self, error: OSError) -> None:
        """Tell that it could not be started, as the last thing."""
        path = None if error.filename is None else os.fsdecode(error.filename)
        self.line.send(("failed", error.errno, path))
        self.line.finish()

    def ended(self, warden: Warden) -> None:
        """Tell how everything ended, as the last thing."""
        self.line.send(("ended", warden.report()))
        self.line.finish()
