"""When a service is started, restarted, given up: a table of states and events.

Rule 1: nothing here knows a process, a clock or a descriptor; the caller brings events with the time, and does what
the answer says.
Rule 2: at most one domain exists at a time: what is to follow an ending waits for the event ``empty``.
Rule 3: only ``start`` and ``restart`` by hand undo a stop by hand.

Times are seconds of any clock that only goes forward.
"""

from __future__ import annotations

from .restart_pace import Pace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .restart_pace import Rules
STOPPED, STARTING, RUNNING = "stopped", "starting", "running"
STOPPING, WAITING, FAILED = "stopping", "waiting", "failed"
STATES = (STOPPED, STARTING, RUNNING, STOPPING, WAITING, FAILED)

ORDERS = NOTHING, LAUNCH, END, END_COMMAND = "", "launch", "end", "end command"
"""What an event may ask for: start a domain, end the one there is, end only the command of it."""

TABLE = {
    # by hand: start, stop, stop command, restart.  News of the domain: executed, refused, ready, exited, empty, lost,
    # survived.  And time, when it is due.
    STOPPED: {"start": "begin", "stop": "clear", "stop command": "rest", "restart": "begin",
              "exited": "note", "empty": "vacate", "lost": "vacate", "refused": "vacate", "survived": "give_up"},
    STARTING: {"stop": "halt", "stop command": "halt_command", "restart": "again",
               "executed": "executed", "refused": "give_up", "ready": "ready", "exited": "exited",
               "empty": "over", "lost": "lost", "survived": "give_up", "time": "unready"},
    RUNNING: {"stop": "halt", "stop command": "halt_command", "restart": "again", "exited": "exited",
              "empty": "over", "lost": "lost", "survived": "give_up"},
    STOPPING: {"start": "then_begin", "stop": "halt", "stop command": "halt_too", "restart": "then_begin",
               "exited": "leave", "empty": "follow", "lost": "follow", "refused": "follow", "survived": "give_up"},
    WAITING: {"start": "begin", "stop": "clear", "stop command": "rest", "restart": "begin", "time": "due"},
    FAILED: {"start": "begin", "stop": "clear", "stop command": "rest", "restart": "begin",
             "exited": "note", "empty": "vacate", "lost": "vacate", "refused": "vacate", "survived": "give_up"},
}  # fmt: skip
"""What each event does in each state: the name of a method of Policy; an event that is not there changes nothing."""

EVENTS = tuple(sorted({event for row in TABLE.values() for event in row}))
"""Everything that can happen to a service."""


class Policy:
    """The life of one service."""

    def __init__(self, rules: Rules, now: float = 0.0) -> None:
        rules.check()
        self.rules = rules
        self.state = STOPPED
        self.since = now
        """When the state began."""
        self.manual = False
        """Whether it was stopped by hand."""
        self.occupied = False
        """Whether there is a domain, perhaps without the command."""
        self.restarts = 0
        """Automatic restarts since the last start by hand."""
        self.last_exit: int | None = None
        """Wait status of the command at its last end; None if there was none, or it is not known."""
        self.reason = ""
        """Why the last run ended, or why there was none."""
        self.due: float | None = None
        """When the event ``time`` is wanted; None for never."""
        self._then = STOPPED  # what follows the ending
        self._pace = Pace(rules)
        self._ended: int | None = None  # wait status of the command of this run
        self._restart_at = 0.0
        self._only_command = False  # whether others than the command may stay when it is stopped

    def handle(self, event: str, now: float, value: int | str | None = None) -> str:
        """Take an event and say what to do now: one of ORDERS.

        ``value`` is for ``exited`` the wait status, for ``refused`` and ``lost`` the reason.
        """
        if (action := TABLE[self.state].get(event)) is None:
            return NOTHING
        method: Callable[[float, int | str | None], str] = getattr(self, f"_{action}")
        return method(now, value)

    # by hand

    def _begin(self, now: float, _: object) -> str:
        self._forget()
        if self.occupied:  # what the last run left behind ends first
            return self._stop(now, STARTING)
        return self._launch(now)

    def _clear(self, now: float, _: object) -> str:
        return self._halt(now, None) if self.occupied else self._rest(now, None)

    def _rest(self, now: float, _: object) -> str:
        self.manual = True
        return self._enter(STOPPED, now)

    def _halt(self, now: float, _: object) -> str:
        self.manual = True
        self.reason = "stopped by hand"
        return self._stop(now, STOPPED)

    def _halt_command(self, now: float, _: object) -> str:
        self._halt(now, None)
        self._only_command = True
        return END_COMMAND

    def _halt_too(self, now: float, _: object) -> str:
        self.manual = True
        self._then = STOPPED
        return NOTHING

    def _again(self, now: float, _: object) -> str:
        self.reason = "restarted by hand"
        return self._then_begin(now, None)

    def _then_begin(self, now: float, _: object) -> str:
        self._forget()
        return self._stop(now, STARTING)

    # news of the domain

    def _executed(self, now: float, _: object) -> str:
        if not self.rules.ready:
            return self._enter(RUNNING, now)
        self.due = now + self.rules.ready_timeout
        return NOTHING

    def _ready(self, now: float, _: object) -> str:
        return self._enter(RUNNING, now)

    def _unready(self, now: float, _: object) -> str:
        self._decide(now, True, f"{self.rules.ready_timeout:g} s went by")
        return END

    def _note(self, now: float, value: int | str | None) -> str:
        self._ended = self.last_exit = value if isinstance(value, int) else None
        return NOTHING

    def _leave(self, now: float, value: int | str | None) -> str:
        if self._only_command:
            self._enter(STOPPED, now)
        return self._note(now, value)

    def _exited(self, now: float, value: int | str | None) -> str:
        self._note(now, value)
        if self.rules.ends_with == "everybody":
            return NOTHING
        self._decide(now, self._ended != 0, "the command has ended")
        return END if self.state == STOPPING else NOTHING

    def _over(self, now: float, _: object) -> str:
        self.occupied = False
        self._decide(now, self._ended != 0, "all of its processes have ended")
        return NOTHING

    def _lost(self, now: float, value: int | str | None) -> str:
        self.occupied = False
        self.last_exit = None
        self._decide(now, True, str(value))
        return NOTHING

    def _give_up(self, now: float, value: int | str | None) -> str:
        self.occupied = False
        self.reason = str(value)
        return self._enter(FAILED, now)

    def _vacate(self, now: float, _: object) -> str:
        self.occupied = False
        return NOTHING

    def _follow(self, now: float, _: object) -> str:
        self.occupied = False
        if self._then == STARTING:
            return self._launch(now)
        if self._then == WAITING:
            return self._wait(now)
        return self._enter(self._then, now)

    def _due(self, now: float, _: object) -> str:
        self.restarts += 1
        self._pace.restarted(now)
        return self._launch(now)

    # what follows

    def _forget(self) -> None:
        """A start by hand begins a new count."""
        self.restarts, self.manual = 0, False
        self._pace.forget()

    def _decide(self, now: float, failure: bool, reason: str) -> None:
        """An end that was not asked for: restart, rest or give up."""
        rules = self.rules
        started = self.state == RUNNING
        self.reason = reason if started else f"{reason} before it was ready"
        if started and now - self.since >= rules.max_delay:
            self._pace.calm()
        if rules.restart == "never" or (rules.restart == "on-failure" and started and not failure):
            self._then = STOPPED if started else FAILED
        elif exhausted := self._pace.exhausted(now):
            self.reason += exhausted
            self._then = FAILED
        else:
            self._then = WAITING
            self._restart_at = self._pace.next(now)
        if self.occupied and (self._then != STOPPED or not started):
            self._stop(now, self._then)
        elif self._then == WAITING:
            self._wait(now)
        else:
            self._enter(self._then, now)

    def _launch(self, now: float) -> str:
        self.occupied = True
        self._ended = None
        self._pace.launched = now
        self._enter(STARTING, now)
        return LAUNCH

    def _stop(self, now: float, then: str) -> str:
        self._then, self._only_command = then, False
        self._enter(STOPPING, now)
        return END

    def _wait(self, now: float) -> str:
        self._enter(WAITING, now)
        self.due = max(self._restart_at, now)
        return NOTHING

    def _enter(self, state: str, now: float) -> str:
        if state != self.state:
            self.since = now
        self.state = state
        self.due = None
        return NOTHING
