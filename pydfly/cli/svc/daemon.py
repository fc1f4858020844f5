"""The daemon of one service: the guard of its domain, and what answers on its socket."""

from __future__ import annotations

import _signal
import os
import sys
from contextlib import suppress
from threading import Thread

from ...supervisor.keepers import mailbox
from ...supervisor.keepers.guard import Guard
from ...supervisor.keepers.keeper import last_resort
from ...supervisor.keepers.mailbox import Mailbox
from ...supervisor.keepers.own_process import close_all_but, hide_environment, protect_myself
from ...supervisor.services.event_loop import EventLoop
from ...supervisor.services.guard_domains import Domains
from ...supervisor.services.log import LogFile
from .answers import KeptService
from .server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...supervisor.launch import Launch
    from ...supervisor.wire import Message
    from .files import Files
    from .request import Request

_SHOWN = 15  # bytes of the short name that Linux keeps besides


class Daemon:
    """One daemon; this process becomes it.

    Args:
        files: its pid file and socket; None for none.
        report: called once: with "" when the command was executed, else with the reason why nothing was started.
        kept: descriptors that ``report`` needs.
    """

    def __init__(
        self,
        request: Request,
        launch: Launch,
        files: Files | None,
        report: Callable[[str], None],
        kept: tuple[int, ...] = (),
    ) -> None:
        assert request.label
        self._request = request
        self._launch = launch
        self._files = files
        self._report: Callable[[str], None] | None = report
        self._kept = kept
        self._label = request.label
        self._server: Server | None = None
        self._domains: Domains | None = None
        self._state = "stopped"
        self._ended = False  # the service is over, and only deputy and guard are left

    def run(self) -> None:
        """Keep the service until it is told to exit.

        OSError: nothing was started: no log file, no process or no descriptor.
        """
        request = self._request
        set_title(self._label if request.title is None else f"{self._label} - {request.title}")
        hide_environment()
        protect_myself()
        box = Mailbox()
        echo = LogFile("", os.dup(1)) if request.foreground else None
        os.dup2(box.null, 0)
        if not request.foreground:
            os.dup2(box.null, 1)
            os.dup2(box.null, 2)
        directory = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
        guard = Guard(box, self._hear_of_loss)
        own = (box.null, directory, *guard.descriptors, *(self._files.descriptors() if self._files else ()))
        close_all_but(*own, *self._kept, *([echo.descriptor] if echo else []))
        guard.start_deputy()
        try:
            loop = EventLoop(mailbox.listen)
            self._domains = Domains(loop, guard.hand_down)
            service = self._make_service(self._domains, directory, box.null, echo)
            if self._files:
                self._server = Server(self._files.listener, service, loop)
            service.start()
            self._keep(box, guard, loop, service)
        except BaseException:
            last_resort(guard.keeper)
            raise

    def _make_service(self, domains: Domains, cwd: int, null: int, echo: LogFile | None) -> KeptService:
        request = self._request
        rules, launch = request.rules(), self._launch
        service = KeptService(self._label, rules, launch, domains, cwd, {0: null}, ready=request.ready, log=request.log)
        service.output.echo = echo
        service.news = lambda text: service.output.say(f"svc {self._label}: {text}")
        service.changed = lambda: self._changed(service)
        service.over = lambda: domains.loop.after(0, lambda: self._finish(service))
        return service

    def _keep(self, box: Mailbox, guard: Guard, loop: EventLoop, service: KeptService) -> None:
        while not (self._ended and guard.is_over):
            guard.look_around()
            loop.turn()
            if self._ended:
                guard.close()
                if guard.is_over:
                    break
            info = box.wait_until(min(guard.due, loop.due))
            if info is not None:
                self._take(info.si_signo, service, box)

    def _take(self, number: int, service: KeptService, box: Mailbox) -> None:
        """Do what the manual says of signals to the daemon."""
        if self._ended:
            return
        interrupt = number == _signal.SIGINT and self._request.foreground and number not in box.ignored
        if number == _signal.SIGTERM or interrupt:
            service.exit()
        elif number == _signal.SIGHUP:
            service.restart()

    def _changed(self, service: KeptService) -> None:
        status = service.status()
        if self._report is not None and (status.launches or status.state in ("failed", "waiting")):
            report, self._report = self._report, None
            failed = not status.launches
            report(status.reason if failed else "")
            if failed:
                service.exit()
                return
        if self._server:
            self._server.changed()
        if status.state != self._state:
            self._state = status.state
            if self._request.debug:
                service.output.say(f"svc {self._label}: {self._state}")
            if self._request.sync and self._state in ("stopped", "waiting", "failed"):
                Thread(target=os.sync, daemon=True).start()  # it takes as long as the slowest disk
        done = status.state in ("stopped", "failed") and status.launches
        if self._request.exit_with_service and done and not service.exiting:
            service.exit()

    def _finish(self, service: KeptService) -> None:
        """The service has ended: its files go before the last answers: an init after those must find no files."""
        if self._ended:
            return
        self._ended = True
        if service.status().launches:
            service.output.say(f"svc {self._label}: service demon exiting")
        if self._files:
            self._files.unlink()
        if self._server:
            self._server.finish()
        if self._files:
            self._files.close()
        service.close()

    def _hear_of_loss(self, message: Message) -> None:
        if self._domains:
            self._domains.told(message)


def set_title(text: str) -> None:
    """Have ps(1) show ``svc: text``, where the system lets it be set; nothing else depends on it."""
    with suppress(Exception):  # ctypes, /proc: whatever is missing
        if sys.platform.startswith("linux"):
            _overwrite_arguments(f"svc: {text}".encode())
            with open("/proc/self/comm", "wb", buffering=0) as comm:
                comm.write(b"svc: " + text.encode()[: _SHOWN - 5])
        else:
            import ctypes

            ctypes.CDLL(None).setproctitle(b"%s", text.encode())


def _overwrite_arguments(title: bytes) -> None:
    """Write over the words that the kernel shows for this process, as setproctitle(3) of others does on Linux.

    They lie between two addresses of the process's own stack.  The program's name and its words are copies already;
    the environment that lies behind them stays untouched.
    """
    import ctypes

    with open("/proc/self/stat", "rb") as file:
        numbers = file.read().rpartition(b")")[2].split()
    start, end = int(numbers[45]), int(numbers[46])  # arg_start and arg_end, proc_pid_stat(5)
    size = end - start
    if size > 1:
        ctypes.memmove(start, title[: size - 1].ljust(size, b"\0"), size)
