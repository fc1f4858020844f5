"""``supervise()`` behind the interface of ``subprocess.Popen``, so that CPython's own tests of that can judge it.

What Popen does with arguments, descriptors, errors and statuses is done by ``supervise()`` here; what Popen does above
that (text files, ``communicate()``, ``run()``) is CPython's own code, which this class inherits.
"""

from __future__ import annotations

import io
import locale
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from typing import Any

import pydfly
from tests.live import onlooker

RealPopen = subprocess.Popen
running: list[pydfly.Supervised] = []
"""The services of this process: a Popen that is dropped does not end its child, so something else holds them."""


class Unsupported(Exception):
    """An argument of Popen that ``supervise()`` does not have."""


class SupervisedPopen(RealPopen):  # type: ignore[type-arg]
    """A Popen whose child runs under a warden."""

    def __init__(
        self,
        args: Any,
        bufsize: int = -1,
        executable: Any = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        preexec_fn: Any = None,
        close_fds: bool = True,
        shell: bool = False,
        cwd: Any = None,
        env: Any = None,
        universal_newlines: bool | None = None,
        startupinfo: Any = None,
        creationflags: int = 0,
        restore_signals: bool = True,
        start_new_session: bool = False,
        pass_fds: Any = (),
        *,
        encoding: str | None = None,
        errors: str | None = None,
        text: bool | None = None,
        pipesize: int = -1,
        **options: Any,
    ) -> None:
        refused = {
            "executable": executable,
            "preexec_fn": preexec_fn,
            "restore_signals=False": not restore_signals,
            "pipesize": pipesize not in (-1, None),
        }
        if any(refused.values()):
            raise Unsupported(next(name for name, given in refused.items() if given))
        if startupinfo is not None or creationflags != 0:
            raise ValueError("startupinfo and creationflags are only supported on Windows platforms")
        if pass_fds and not close_fds:
            warnings.warn("pass_fds overriding close_fds.", RuntimeWarning, stacklevel=2)
        elif not close_fds:
            pass_fds = {*pass_fds, *_inheritable()}
        bufsize = -1 if bufsize is None else bufsize
        if not isinstance(bufsize, int):
            raise TypeError("bufsize must be an integer")
        if text is not None and universal_newlines is not None and bool(universal_newlines) != bool(text):
            raise subprocess.SubprocessError("Cannot disambiguate when both text and universal_newlines are given")
        self._waitpid_lock = threading.Lock()
        self._input = None
        self._communication_started = False
        self._sigint_wait_secs = 0.25
        self._closed_child_pipe_fds = True
        self.args, self.pid, self.returncode = args, None, None
        self.stdin = self.stdout = self.stderr = None
        self.encoding, self.errors, self.pipesize = encoding, errors, pipesize
        self.text_mode = encoding or errors or text or universal_newlines
        if self.text_mode and encoding is None:
            self.encoding = "utf-8" if sys.flags.utf8_mode else locale.getpreferredencoding(False)
        self._service = pydfly.supervise(
            _words(args, shell),
            grace=0.5,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            start_new_session=start_new_session,
            **options,
        )
        running.append(self._service)
        try:
            self.pid = self._service.wait_started()
        except BaseException:
            for file in (self._service.stdin, self._service.stdout, self._service.stderr):
                if file is not None:
                    file.close()
            self._service.stop()
            running.remove(self._service)
            raise
        finally:
            self._child_created = True
        self.stdin = self._file(self._service.stdin, bufsize, "wb")
        self.stdout = self._file(self._service.stdout, bufsize, "rb")
        self.stderr = self._file(self._service.stderr, bufsize, "rb")

    def _file(self, file: Any, bufsize: int, mode: str) -> Any:
        """Return what Popen would make of the same descriptor."""
        if file is None:
            return None
        line_buffering = bool(self.text_mode) and bufsize == 1
        number = os.dup(file.fileno())
        file.close()
        binary = open(number, mode, -1 if line_buffering else bufsize)  # noqa: SIM115
        if not self.text_mode:
            return binary
        return io.TextIOWrapper(
            binary,
            encoding=self.encoding,
            errors=self.errors,
            write_through=mode == "wb",
            line_buffering=line_buffering,
        )

    def poll(self) -> int | None:
        """Return the exit status of the command; None while it runs."""
        if self.returncode is None:
            self.returncode = self._service.exit_status
        return self.returncode

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        return self.poll()

    def _wait(self, timeout: float | None) -> int:
        if self.returncode is None:
            try:
                self.returncode = self._service.wait_command(timeout)
            except TimeoutError:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0) from None
        return self.returncode  # type: ignore[return-value]

    def send_signal(self, sig: int) -> None:
        """Signal the command, if it has not ended."""
        if self.poll() is None:
            try:
                self._service.signal(sig)
            except ProcessLookupError:
                return

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def __del__(self, *_: Any, **__: Any) -> None:
        """Warn of nothing: this class collects no child."""


def _inheritable() -> set[int]:
    """Return what a child gets that closes nothing."""
    return set(filter(os.get_inheritable, onlooker.descriptors()))


def _words(args: Any, shell: bool) -> list[Any]:
    """Return the words of what Popen takes as a command: one string is the program, or a line for the shell."""
    if shell and isinstance(args, os.PathLike):
        raise TypeError("path-like args is not allowed when shell is true")
    words = [args] if isinstance(args, (str, bytes, os.PathLike)) else list(args)
    return ["/bin/sh", "-c", *words] if shell else words


def stop_all() -> None:
    """End what tests have left."""
    for service in running:
        service.ask_to_stop(0)
    deadline = time.monotonic() + 60
    while running:
        service = running.pop()
        for file in (service.stdin, service.stdout, service.stderr):
            if file is not None and not file.closed:
                file.close()
        service.wait(timeout=max(0.1, deadline - time.monotonic()))


SupervisedPopen.__name__ = "Popen"  # as repr() shows it
