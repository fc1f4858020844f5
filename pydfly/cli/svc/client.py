"""The command's side: asks every daemon that the label means, all at once, and shows their answers.

The tool's protocol carries no exit status, so it is read off the texts, for a daemon of either.
"""

from __future__ import annotations

import _socket  # socket itself takes longer to load than all of this module
import select
import sys
import time

from ...escape import escape
from . import files, wire
from .request import Request

NOT_RUNNING, NO_SUCH_SERVICE = 1, 2
_PIECE = 65536
_PATIENCE = 10.0  # seconds in which a daemon must say something: one that is stopped never does
_MAY_BE_SILENT = ("start", "logf", "tailf")  # until the command was executed, or has written something
_FAILURES = ("Unable to ", "Giving up ", "permission denied", "init is not ", "a null byte ", "the request is ")


def ask(request: Request, words: list[str]) -> int:
    """Send the words to every daemon that is meant, print the answers, and return the exit status."""
    directory = files.default_directory() if request.directory is None else request.directory
    try:
        labels = [label for label in files.labels(directory) if label.startswith(request.label or "")]
    except FileNotFoundError:
        if request.directory is not None:
            return _cannot_scan(directory)
        labels = []  # ours is made by the first init; the tool's, /var/run, is always there
    except OSError:
        return _cannot_scan(directory)
    if not labels and request.label is not None:
        if request.directive == "status":
            return NO_SUCH_SERVICE
        print(f"svc: no service matches {escape(request.label)}", file=sys.stderr)
        return 1
    line = wire.encode(_words(request, words))
    asked = [Conversation(directory, label, line, request) for label in labels]
    statuses = [conversation.status for conversation in asked if conversation.finished]
    statuses += _talk([conversation for conversation in asked if not conversation.finished])
    for conversation in asked:
        sys.stdout.buffer.write(conversation.kept)
    if request.json:
        import json

        print(json.dumps([conversation.value for conversation in asked if conversation.value is not None], indent=2))
    return max(statuses, default=0)


def _cannot_scan(directory: str) -> int:
    print(f'Unable to scan "{escape(directory)}"')
    return 1


def _words(request: Request, words: list[str]) -> list[str]:
    """Put our own flags behind the label, where the tool's daemon does not look."""
    ours = ["--json"] * request.json + ["-v"] * request.verbose
    if not ours:
        return words
    place = words.index(request.directive)
    options = [word for word in words[:place] if word not in ("--json", "-v")]
    return [*options, request.directive, request.label or "all", *request.arguments, *ours]


def _talk(talking: list[Conversation]) -> list[int]:
    statuses = []
    poll = select.poll()
    by_descriptor = {conversation.fileno(): conversation for conversation in talking}
    for conversation in talking:
        poll.register(conversation.fileno(), select.POLLIN | select.POLLOUT)
    end = time.monotonic() + _PATIENCE
    while by_descriptor:
        silent = any(conversation.is_silent for conversation in by_descriptor.values())
        rest = end - time.monotonic()  # before the look: this program may have been stopped, and the answer be there
        for descriptor, events in poll.poll(max(rest, 0) * 1000 if silent else None):
            conversation = by_descriptor[descriptor]
            if events & select.POLLOUT and conversation.send():
                poll.register(descriptor, select.POLLIN)
                rest = _PATIENCE  # to answer, from now on
                end = time.monotonic() + rest
            if events & ~select.POLLOUT:
                conversation.receive()
        for descriptor, conversation in list(by_descriptor.items()):
            if conversation.finished:
                conversation.close()
            elif conversation.is_silent and rest <= 0:
                conversation.unreachable(TimeoutError())
            else:
                continue
            poll.unregister(descriptor)
            del by_descriptor[descriptor]
            statuses.append(conversation.status)
        sys.stdout.flush()
    return statuses


class Conversation:
    """The talk with one daemon; ``line`` is the encoded ``request``."""

    def __init__(self, directory: str, label: str, line: bytes, request: Request) -> None:
        self.status = 0
        self.finished = False
        self.value: object = None
        """What it answered as JSON."""
        self.is_silent = request.directive not in _MAY_BE_SILENT
        """It has said nothing yet, and should have."""
        self.kept = b""
        """What is printed in the order of the labels, not in that of the answers."""
        self._directory = directory
        self._label = label
        self._request = request
        self._unsent = line
        self._line = b""
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            self._connect()
        except OSError as error:
            self.unreachable(error)

    def _connect(self) -> None:
        """Connect; in blocking mode that would hang where a daemon is stopped and too many others wait for it."""
        self._socket.setblocking(False)
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self._socket.connect(files.socket_path(self._directory, self._label))
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let go."""
        self._socket.close()

    def send(self) -> bool:
        """Send what can be sent, and say whether that was all."""
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            return False
        except (BrokenPipeError, ConnectionResetError):  # it has answered before it read everything
            self._unsent = b""
        return not self._unsent

    def receive(self) -> None:
        """Show what has come."""
        try:
            data = self._socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.is_silent = False
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            if line == b".":
                self.finished = True
                return
            self._show(wire.unescape(line + b"\n"))
        if not data:  # it ended while it answered, as it may when it was told to exit
            self.finished = True
            if self._line:
                self._show(self._line)
        elif self._request.directive in ("logf", "tailf"):
            self._show_part()

    def _show_part(self) -> None:
        """Show the beginning of a line at once, unless it may be the end of the answer."""
        if self._line not in (b"", b".", b".."):
            sys.stdout.flush()
            sys.stdout.buffer.write(self._line)
            self._line = b""

    def _show(self, line: bytes) -> None:
        if self._request.directive in ("status", "list") and self._request.json:
            self._take_json(line)
            return
        if self._request.directive not in ("log", "logf", "tailf"):
            self._judge(line.decode(errors="replace"))
            # what listens on that socket may say anything; a log is the service's own affair
            line = escape(line.removesuffix(b"\n")).encode() + b"\n" * line.endswith(b"\n")
        if self._request.directive in ("status", "list", "log"):
            self.kept += line
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(line)

    def _judge(self, line: str) -> None:
        """Read an exit status off a text."""
        if self._request.directive == "status" and not line.startswith("svc "):
            running = line[len(self._label.ljust(16)) :].split("  ", maxsplit=1)[0].strip() == "running"
            self.status = max(self.status, 0 if running else NOT_RUNNING)
        elif line.removeprefix(f"svc {self._label}: ").startswith(_FAILURES):
            self.status = 1

    def _take_json(self, line: bytes) -> None:
        import json

        try:
            self.value = json.loads(line)
        except (ValueError, RecursionError):  # the tool's own daemon knows no JSON
            text = line.decode(errors="replace")
            self.value = {"name": self._label, "column": text[len(self._label.ljust(16)) :].strip()}
            if self._request.directive == "list":
                self.value = self._label
        column = self.value.get("column") if isinstance(self.value, dict) else "running"
        self.status = max(self.status, 0 if column == "running" else NOT_RUNNING)

    def unreachable(self, error: OSError) -> None:
        """Say that no daemon answers, and do what follows from that."""
        self.finished = True
        self.status = 1
        self.close()
        label = escape(self._label)  # the name of a file that any program may have put there
        print(f"Unable to connect to service {label}")
        stale = isinstance(error, (ConnectionRefusedError, FileNotFoundError))
        if self._request.directive in ("exit", "kill") and stale:
            print(f"Removing pid and socket files for {label}")
            if not files.remove_stale(self._directory, self._label):
                print(f"svc: {label} is active: its files stay", file=sys.stderr)
