"""One service in the process that guards it: its policy, its domain, its log, and what it says of itself.

What is to be done stands in ``restart_policy``; this does it.
"""

from __future__ import annotations

import _signal
import os
import time

from .output import Output
from .readiness import Readiness
from .restart_policy import END, END_COMMAND, FAILED, LAUNCH, STOPPED, STOPPING, Policy
from .status import ServiceStatus, ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..launch import Launch
    from ..wire import Message
    from .event_loop import Timer
    from .guard_domains import Domains, OwnedDomain
    from .restart_pace import Rules


class GuardedService:
    """One service.

    Args:
        targets: descriptors of the command besides its output: the number there, and which one it is here.
        ready: ``notify``, a descriptor of the command, or None.
        ring: how many bytes of output are kept.
        log: path of the log file; None for none.

    Raises:
        OSError: the log file cannot be opened, or there are no descriptors left.
    """

    def __init__(
        self,
        name: str,
        rules: Rules,
        launch: Launch,
        domains: Domains,
        cwd: int,
        targets: dict[int, int],
        *,
        ready: str | int | None = None,
        ring: int = 8192,
        log: str | None = None,
    ) -> None:
        self.name = name
        self.rules = rules
        self.last_pid = 0
        """Pid that the command had at its last start."""
        self.warden = 0
        """Pid of the warden then."""
        self.exiting = False
        self.survivors: list[dict[str, Any]] = []
        """Those of the last run that could not be ended."""
        self.changed: Callable[[], None] = _nothing
        """Called whenever something has changed: state, output, what it says."""
        self.over: Callable[[], object] = _nothing
        """Called when it was told to exit, and has ended."""
        self.news: Callable[[str], None] = _nothing
        """Called with a line about what was done."""
        self._past = time.time() - time.monotonic()  # what turns a time of that clock into one since the epoch
        self._policy = Policy(rules, time.monotonic())
        self._launch = launch
        self._domains = domains
        self._cwd = cwd
        self._targets = targets
        self._domain: OwnedDomain | None = None
        self._pid: int | None = None  # of the command
        self._launches = 0
        self._grace: float | None = None  # of the stop under way
        self._timer: Timer | None = None
        self._kill_timer: Timer | None = None
        self.output = Output(domains.loop, ring, log, lambda: self.changed())  # noqa: PLW0108  it is set later
        self.readiness = Readiness(domains.loop, ready, lambda: self._happens("ready"))

    def status(self) -> ServiceStatus:
        """Say what is known of it."""
        policy, past = self._policy, self._past
        code = None if policy.last_exit is None else os.waitstatus_to_exitcode(policy.last_exit)
        return ServiceStatus(
            name=self.name,
            state=policy.state,
            pid=self.readiness.main_pid or self._pid,
            since=policy.since + past,
            restarts=policy.restarts,
            last_exit=code,
            reason=policy.reason,
            manual=policy.manual,
            text=self.readiness.text,
            launches=self._launches,
            restart_at=policy.due + past if policy.state == "waiting" and policy.due is not None else None,
        )

    # by hand

    def start(self) -> None:
        """Start it, if it does not run; during a stop, when that is over."""
        self._happens("start")

    def stop(self, scope: str = "everybody", grace: float | None = None) -> None:
        """Stop it; no restart follows.  With scope ``command`` what the command leaves lives on.

        ``grace`` is the time until SIGKILL; None for the one that it was made with.
        """
        self._grace = grace
        self._happens("stop" if scope == "everybody" else "stop command")

    def restart(self, grace: float | None = None) -> None:
        """Stop all of its processes, and start it then."""
        self._grace = grace
        self._happens("restart")

    def exit(self, grace: float | None = None) -> None:
        """Stop all of its processes; ``over`` is called then."""
        self.exiting = True
        self.stop("everybody", grace)

    def close(self) -> None:
        """Let go of everything; the rest of the output is written first."""
        if self._domain:
            self._domains.forget(self._domain)
            self._domain = None
        self.readiness.close()
        for timer in (self._timer, self._kill_timer):
            if timer:
                timer.cancel()
        self.output.close()

    # the policy

    def _happens(self, event: str, value: int | str | None = None) -> None:
        """Tell the policy, and do what it says."""
        order = self._policy.handle(event, time.monotonic(), value)
        if order == LAUNCH:
            self._start()
        elif order == END and self._domain:
            if self._pid and self._grace != 0:
                self.news(f"sigterm {self._pid}")
            self._domain.stop(self._grace)
        elif order == END_COMMAND:
            self._end_command()
        if self._policy.state != STOPPING:
            self._grace = None
        self._arm()
        self.changed()
        if self.exiting and self._domain is None and self._policy.state in (STOPPED, FAILED):
            self.over()

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._policy.due is not None:
            self._timer = self._domains.loop.after(self._policy.due - time.monotonic(), lambda: self._happens("time"))

    def _start(self) -> None:
        targets = {**self._targets, 1: self.output.pipe, 2: self.output.pipe}
        try:
            with self.readiness.expected(targets, self._launch) as targets:
                self.output.hold()
                self._domain = self._domains.start(self._launch, self._cwd, targets, self._hear)
            self.readiness.follow(self._domain)
        except OSError as error:
            self.output.go_on()
            self._happens("refused", error.strerror or str(error))

    def _end_command(self) -> None:
        """Signal the command alone, and kill it after the grace."""
        domain = self._domain
        assert domain
        grace = self._launch.grace if self._grace is None else self._grace
        if grace:
            self.news(f"sigterm {self._pid}")
            domain.signal(self._launch.stop_signal)
            domain.signal(_signal.SIGCONT)

        def kill() -> None:
            if domain is self._domain and self._pid:
                self.news(f"sigkill {self._pid}")
                domain.signal(_signal.SIGKILL)

        self._kill_timer = self._domains.loop.after(grace, kill)

    # what the domain says

    def _hear(self, domain: OwnedDomain, message: Message) -> None:
        if domain is not self._domain:
            return
        name, value = message[0], message[1]
        if name == "started":
            self._pid = self.last_pid = value
            self.warden = message[2]
            self._launches += 1
            self.news(f"Starting pid {value}")
            self.output.go_on()
            self._happens("executed")
        elif name == "exited":
            self.output.read()
            self.news(f"lost direct child {self._pid}")
            self.news(f"child {self._pid}: {ended(os.waitstatus_to_exitcode(value))}")
            self._pid = self.readiness.main_pid = None
            self._happens("exited", value)
        elif name == "failed":
            self._part()
            reason = f"{os.fsdecode(self._launch.command[0])}: {value[2]}"
            if self._launches:
                self.news(f"Unable to start: {reason}")
            self._happens("refused", reason)
        elif name == "ended":
            self._part()
            self._end(value["survivors"], "empty", None)
        elif name == "lost":
            self._part()
            self._end(value, "lost", "its warden was killed")

    def _part(self) -> None:
        """Let go of a domain that is over."""
        self.output.go_on()
        self.output.drain()
        self.readiness.end()
        if self._domain:
            self._domains.forget(self._domain)
        self._domain = self._pid = None
        if self._kill_timer:
            self._kill_timer.cancel()
            self._kill_timer = None

    def _end(self, survivors: list[dict[str, Any]], event: str, reason: str | None) -> None:
        self.survivors = survivors
        if survivors:
            event = "survived"
            reason = "; ".join(f"{one['pid']} ({one['name']}) could not be ended: {one['why']}" for one in survivors)
        self._happens(event, reason)


def _nothing(*_: object) -> None:
    pass
