"""The rows of ``python -m benchmarks.wrappers``, and what they have in common."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

PATIENCE = 15.0  # seconds until what does not come counts as missing


def said(
    words: list[str], env: Mapping[str, str] | None = None, before: str = "", cwd: str | None = None
) -> tuple[int, str, str]:
    """Run to the end; return exit status (as Popen has it), stdout and stderr.

    Args:
        words: the command line.
        env: its environment; None for ours.
        before: a line for the shell that becomes the command.
        cwd: the directory.
    """
    if before:
        words = ["sh", "-c", f'{before}; exec "$@"', "sh", *words]
    try:
        done = subprocess.run(
            words, env=env, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return 0, "", "never ends"
    except OSError as error:  # without a wrapper
        return 127 if isinstance(error, FileNotFoundError) else 126, "", f"{error.strerror}\n"
    return done.returncode, done.stdout, done.stderr


class Conversation:
    """A command that says words on its standard output, and is signalled."""

    def __init__(self, words: list[str], **options: Any) -> None:
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, **options)
        assert self.process.stdout
        self._descriptor = self.process.stdout.fileno()
        self.heard = ""

    def hear(self, wanted: str, timeout: float = PATIENCE) -> bool:
        """Wait until this has been said, and forget everything up to it; False if it is not."""
        end = time.monotonic() + timeout
        while wanted not in self.heard:
            if not select.select([self._descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
                return False
            piece = os.read(self._descriptor, 65536)
            if not piece:
                return False
            self.heard += piece.decode()
        self.heard = self.heard.partition(wanted)[2]
        return True

    def is_silent(self, timeout: float) -> bool:
        """Say whether all writers of its output end within this time."""
        end = time.monotonic() + timeout
        while select.select([self._descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
            if not os.read(self._descriptor, 65536):
                return True
        return False

    def say(self, text: str) -> None:
        """Write to its standard input, if a process reads that."""
        assert self.process.stdin
        with suppress(BrokenPipeError):
            os.write(self.process.stdin.fileno(), text.encode())

    def end(self, timeout: float = PATIENCE) -> int | None:
        """Wait for the end; return how, or None if it does not come."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None


@contextmanager
def conversation(words: list[str], **options: Any) -> Iterator[Conversation]:
    """Start one; whatever happens, its session is over in the end."""
    talk = Conversation(words, start_new_session=True, **options)
    try:
        yield talk
    finally:
        if talk.process.poll() is None:
            talk.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                talk.process.wait(2)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(talk.process.pid, signal.SIGKILL)  # its leader is not waited for yet, or a process is left in it
        talk.process.wait()
        for stream in (talk.process.stdin, talk.process.stdout):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()


def python(code: str) -> list[str]:
    """Return the words of a small program."""
    return [sys.executable, "-u", "-S", "-c", code]


def ending(status: int | None) -> str:
    """Say how something ended."""
    if status is None:
        return "never ends"
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
