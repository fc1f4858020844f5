"""What an owner knows of one domain: everything that was told of it, each message at most once.

A message may be taken twice, when an exception or a signal handler came in between (owner_socket.py): so each sets
something that it would set again, or is recognized by its number.
"""

from __future__ import annotations

import os
from _thread import get_ident

from ..structs import DescendantInfo, Survivor
from . import report as reports
from .keepers.fork_exec import LONGEST_PATH
from .wire import rebuilt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .arguments import Spare, Word
    from .report import Report
    from .wire import Message


class DomainState:
    """The state of one domain, as it was told.

    Args:
        names: the program and the directory as the caller has written them, for errors that are about them.
        spare: the predicate, if any.
        reply: sends the answer to a question of which processes to spare.
    """

    def __init__(self, names: tuple[Word | None, ...], spare: Spare | None, reply: Callable[[Message], None]) -> None:
        self.pid: int | None = None
        self.exited: int | None = None  # wait status of the command
        self.failure: BaseException | None = None  # why the command was not started
        self.spare_failure: BaseException | None = None  # what the predicate raised
        self.report: Report | None = None
        self.lost: list[Survivor] | None = None  # the warden was killed, and these are left
        self.pending: set[int] = set()  # requests without an answer
        self.answers: dict[int, tuple[bool, Any]] = {}  # whether it was met, and its value or the error
        self.asking = 0  # the thread that runs the predicate
        self._questions: set[int] = set()  # of which to spare, that were answered
        self._names = names
        self._spare = spare
        self._reply = reply

    @property
    def is_final(self) -> bool:
        """Whether the last word was said."""
        return self.report is not None or self.failure is not None or self.lost is not None

    @property
    def survivors(self) -> list[Survivor]:
        """The processes that could not be ended."""
        return self.report.survivors if self.report else self.lost or []

    @property
    def exit_status(self) -> int | None:
        """Exit status of the command, negative for the signal that ended it."""
        return None if self.exited is None else os.waitstatus_to_exitcode(self.exited)

    def take(self, message: Message) -> bool:
        """Take a message of the warden, or of those above it, and say whether it was news of the domain."""
        name, *values = message
        if name == "started":
            self.pid = values[0]
        elif name == "exited":
            self.exited = values[0]
        elif name == "failed":
            self.failure = self.failure or self._named(rebuilt(*values[-1]))
        elif name == "ended":
            self.report = reports.read(values[0])
        elif name == "lost" and self.report is None:
            self.lost = [Survivor(**left) for left in values[1]]
        elif name in ("done", "refused"):
            if values[0] in self.pending:
                self.answers[values[0]] = (name == "done", values[1])
            return False
        elif name == "ask":
            self._decide(*values)
            return False
        return True

    def give_up(self, serial: int) -> None:
        """Want no answer to a request any more."""
        self.pending.discard(serial)
        self.answers.pop(serial, None)

    def answer(self, serial: int) -> Any:
        """Return the answer to a request, or raise the refusal; None if everything was over before."""
        self.pending.discard(serial)
        met, value = self.answers.pop(serial, (True, None))
        if not met:
            raise rebuilt(*value)
        return value

    def _decide(self, question: int, members: list[tuple[Any, ...]]) -> None:
        """Ask the predicate; one that raises spares nothing, and the end of the ``with`` block raises its exception."""
        if question in self._questions:
            return
        self._questions.add(question)
        chosen: list[int] = []
        before, self.asking = self.asking, get_ident()
        try:
            assert self._spare
            listed = [DescendantInfo(*fields) for fields in members]
            chosen = [member.pid for member in listed if self._spare(member)]
        except Exception as error:
            self.spare_failure = error
        finally:
            self.asking = before
            self._reply(("spare", question, chosen))

    def _named(self, error: BaseException) -> BaseException:
        """Give an error the name of the file as the caller has written it."""
        if isinstance(error, OSError) and isinstance(error.filename, str):
            told = os.fsencode(error.filename)
            for name in self._names:
                if name is not None and os.fsencode(name)[:LONGEST_PATH] == told:
                    error.filename = name
                    break
        return error
