"""All messages between an owner, its guard, its deputy and its wardens, to bytes and back.

A message is a tuple of plain values whose first is its name.  marshal, because both ends are the same interpreter
running the same package, no stranger can write to the sockets, and it costs no import.

The *line* joins one owner and one warden.  From the owner; each but the first has a serial, and is answered with it::

    ("launch", fields)              the first: what to run (launch.Launch)
    ("launch", fields, targets)     the same to a warden that was started ahead: with it come the directory to start in,
                                    and one descriptor for each target, its number in the command
    ("signal", serial, number)      to the command, or to what it left behind when it has ended; a True behind the
                                    number: to the process group that the command leads
    ("stop", serial, grace)         end the domain; None for the grace it was launched with
    ("processes", serial)           list the members
    ("spare", question, pids)       the answer to ("ask", ...); itself not answered

From the warden::

    ("started", pid, warden)        the command has been executed, under a warden with this pid
    ("failed", error)               it could not be: (class name, errno, text, path); nothing else follows
    ("exited", status)              the command has ended (wait status)
    ("stopped", number)             the command was stopped by this signal of the terminal
    ("done", serial, value)         a request was met: None, or for "processes" the fields of each DescendantInfo
    ("refused", serial, error)      it was not: (class name, errno, text)
    ("ask", question, list)         which of these are to be spared?
    ("ended", report)               no process is left, or only those that cannot be ended; nothing else follows

The *control* joins an owner and its guard.  From the owner::

    ("domain", number, targets, grace)   start a warden; with it come descriptors: the warden's end of a line, the
                                    directory to start in, and one for each target, its number in the command

    ("ahead", number, grace)        start a warden whose launch comes later; with it come its end of the line, and both
                                    ends of a pipe: it writes a byte when it waits; the owner that reads it has it
                                    (warden_ahead.py)

    ("service", number, targets, fields)   keep a service, with the same descriptors; the line is the guard's own then

From the guard (or, when that was killed, from the deputy)::

    ("hello", pid, PROTOCOL)        the first: this is a guard of ours
    ("failed", number, error)       there will be no warden: (class name, errno, text); number None: no domain at all
    ("lost", number, survivors)     the warden was killed; its domain was ended, or these processes of it are left
    ("deputy", None, pid)           there is a deputy now

The *line of a service* joins an owner and its guard: ("start", serial), ("stop", serial, grace), ("restart", serial,
grace), ("status", serial), ("log", serial), ("reopen", serial, path), answered by ("done", ...) and ("refused", ...);
and from the guard ("status", fields of ServiceStatus, survivors, pid of the warden) whenever that has changed,
("failed", error) if the service could not be made.  The warden holds the guard's end open, too.

The *channel* joins guard and deputy: the guard hands ("domain", ...) and ("ahead", ...) down; the deputy answers
("warden", number, pid), ("over", number, pid) when that warden has ended its domain, ("failed", ...) and ("lost", ...).
``pydfly run`` asks ("met", number, sender): has this signal of that process come to the deputy as well?  The answer is
("met", number, whether).
"""

from __future__ import annotations

import errno
import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Message = tuple[Any, ...]

PROTOCOL = 2
_SIZE = 4
_LARGEST = 2**30
_TUPLES = (b")", b"\xa9")  # how marshal begins a tuple of less than 256 values, the second one with FLAG_REF


class GarbageError(Exception):
    """Bytes that no end of ours has sent: it is not known where the next message begins."""


def pack(message: Message) -> bytes:
    """Return the bytes of one message."""
    body = marshal.dumps(message)
    return len(body).to_bytes(_SIZE, "big") + body


class Unpacker:
    """Bytes in, in pieces of any size; messages out."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    @property
    def rest(self) -> bytes:
        """The bytes of a message that is not complete yet."""
        return bytes(self._bytes)

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes and return the messages that are complete now; GarbageError: the bytes are no message."""
        self._bytes += data
        messages = []
        while len(self._bytes) >= _SIZE:
            size = int.from_bytes(self._bytes[:_SIZE], "big")
            if size > _LARGEST:
                raise GarbageError
            end = _SIZE + size
            if len(self._bytes) < end:
                break
            messages.append(_loads(bytes(self._bytes[_SIZE:end])))
            del self._bytes[:end]
        return messages


def _loads(body: bytes) -> Message:
    if body[:1] not in _TUPLES:  # anything else could ask for gigabytes before it is known to be garbage
        raise GarbageError
    try:
        message = marshal.loads(body)  # noqa: S302  see above: no stranger writes here
    except Exception:
        raise GarbageError from None
    if not isinstance(message, tuple) or not message or not isinstance(message[0], str):
        raise GarbageError
    return message


def error_fields(error: BaseException) -> tuple[str, int | None, str]:
    """Return the class, the errno and the text of an error, to be raised again at the other end."""
    if isinstance(error, OSError):
        return type(error).__name__, error.errno, error.strerror or str(error)
    if isinstance(error, ImportError):  # a helper that runs could not open a part of Python
        return "OSError", errno.EMFILE, str(error)
    return type(error).__name__, None, str(error)


def rebuilt(name: str, number: int | None, text: str, path: str | None = None) -> Exception:
    """Make an error again from its fields, and from the path that it is about, if that was told."""
    import builtins

    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return RuntimeError(f"{name}: {text}")
    if issubclass(kind, OSError) and number is not None:
        return OSError(number, text, path)
    try:
        return kind(text)
    except TypeError:  # a UnicodeError wants more than a text
        return (ValueError if issubclass(kind, ValueError) else RuntimeError)(text)
