"""What a warden does in which state upon which event: the whole of it, as data."""

from __future__ import annotations

# why the ending began
COMMAND_ENDED, TIMEOUT, ASKED = "the command ended", "timeout", "asked to end"
OWNER_GONE, PARENT_GONE = "the owner is gone", "the guard or its deputy is gone"

# states
WAITING = "waiting for what to run"
STARTING = "starting"
ABORTING = "to be ended as soon as it has started"  # so that a command that cannot be executed is told as such
RUNNING = "running"
LINGERING = "waiting for the daemons"
ENDING = "ending"
OVER = "over"
# events
LAUNCHED, EXECUTED, REFUSED, EXITED, EMPTY, DUE, STOP, GONE = (
    "launched", "executed", "refused", "exited", "empty", "due", "stop", "gone",
)  # fmt: skip

# what is done in which state upon which event: the name of a method; any other event changes nothing
ACTIONS = {
    (WAITING, LAUNCHED): "_start",
    (WAITING, GONE): "_finish",
    (STARTING, EXECUTED): "_executed",
    (STARTING, REFUSED): "_refused",
    (STARTING, EXITED): "_exited",  # killed before it was executed
    (STARTING, DUE): "_time_out",
    (STARTING, STOP): "_abort",
    (STARTING, GONE): "_begin_ending",
    (ABORTING, EXECUTED): "_executed_to_end",
    (ABORTING, REFUSED): "_refused",
    (ABORTING, EXITED): "_exited",
    (ABORTING, DUE): "_time_out_aborting",
    (ABORTING, STOP): "_abort",
    (ABORTING, GONE): "_begin_ending",
    (RUNNING, EXITED): "_exited",
    (RUNNING, DUE): "_time_out",
    (RUNNING, STOP): "_begin_ending",
    (RUNNING, GONE): "_begin_ending",
    (LINGERING, EMPTY): "_finish",
    (LINGERING, DUE): "_time_out",
    (LINGERING, STOP): "_begin_ending",
    (LINGERING, GONE): "_begin_ending",
    (ENDING, EXECUTED): "_executed",
    (ENDING, EXITED): "_exited_ending",
    (ENDING, EMPTY): "_finish",
    (ENDING, DUE): "_step",
    (ENDING, STOP): "_hurry",
    (ENDING, GONE): "_spare_none",
}
