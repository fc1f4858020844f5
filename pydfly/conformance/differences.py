"""What a backend does differently from the system whose flavour it has: the one table.

Each row names the rule it comes from.  A backend in a row must show exactly what the row says: a row that is no
longer needed fails as loudly as a behaviour that does not hold.
"""

from __future__ import annotations

from typing import NamedTuple


class Difference(NamedTuple):
    """One behaviour that one backend cannot have."""

    backend: str
    """``NAME:FLAVOUR``; a NAME alone stands for both flavours."""
    behaviour: str
    """Its name."""
    rule: str
    """Id of the rule that says why."""
    observed: object
    """What is observed instead."""
    why: str
    """One sentence."""


_IGNORED = "Linux reaps the children of a process that ignores SIGCHLD itself, and wait() cannot tell how they ended"
_NESTED = "another process's attribute cannot be read, so members of nested domains are counted one by one"
_SIGNALS = "Linux has 64 signals: a higher number is stored, and refused as not deliverable"
_UNTOLD = "Linux does not tell the reaper of a process that is none itself"
_AT_DEATH = "on Linux a reaper's death takes effect when it dies, not when it is waited for"
_UNCONFINED = "Linux does not confine signals to a domain"

_ROWS: dict[str, dict[str, tuple[str, object, str]]] = {
    "native:dragonfly": {
        "registering-python-is-dangerous": (
            "RS-7",
            "UnsafeRegistrationError",
            "every later python of the machine would crash, so the native backend asks for unsafe=True",
        )
    },
    "linux": {
        "children-from-before-stay-outside": (
            "LX-3",
            ("first", "first"),
            "Linux looks the reaper up when the parent dies, so orphans of older children are adopted too; they stay "
            "out of the counts",
        ),
        "a-reaper-that-ignores-sigchld-keeps-zombies": ("LX-6", ("nobody", "ECHILD"), f"{_IGNORED}; acquire() warns"),
        "a-parent-that-ignores-sigchld-passes-zombies-on": ("LX-6", ("ECHILD", "nobody", "ECHILD"), _IGNORED),
        "exec-resets-an-ignored-sigchld": (
            "LX-7",
            ("nobody", "ECHILD"),
            "on Linux an ignored SIGCHLD stays ignored across exec",
        ),
        "waiting-for-any-child": (
            "LX-5",
            [("older", "exit 0"), ("younger", "exit 0")],
            "Linux appends to the list of children, and waits for the oldest first",
        ),
        "the-domain-of-a-dead-reaper-counts-as-one": (
            "RF-5",
            ((1, 2), (1, 0)),
            "a dead reaper's domain does not exist on Linux: its members are counted one by one",
        ),
        "the-head-of-the-list": (
            "LX-5",
            ("younger", "younger", "younger"),
            "Linux does not tell when a child was adopted, so the youngest child is named",
        ),
        "the-head-after-a-batch-was-adopted": (
            "LX-5",
            "youngest",
            "Linux does not tell in which order children were adopted, so the youngest child is named",
        ),
        "counting-goes-on-after-exec": (
            "LX-3",
            (1, 2, "first"),
            "which children are older than ACQUIRE is remembered by the program, and an exec forgets it",
        ),
        "numbers-that-few-systems-have": ("DP-9", ("EOPNOTSUPP", 100, None, 64), _SIGNALS),
        "setuid-keeps-it": ("LX-9", False, "Linux clears the parent-death signal when effective ids change"),
        "it-crosses-user-ids": (
            "LC-8",
            [],
            "Linux sends the signal with the rights of the dying parent, which may not signal another user's process",
        ),
    },
    "linux:dragonfly": {
        "an-inner-domain-counts-as-one": ("RF-3", ((1, 3, "inner"), (1, 2, "deep")), _NESTED),
        "the-file-counts-not-its-name": (
            "VR-6",
            ("EEXIST", "EEXIST", None, [(1, ""), (2, "a")], 2),
            "the registry knows the path of the registration only, not the name that a file was used by last",
        ),
        "a-reaper-signals-outward": ("DS-4", (None, None, None, None), _UNCONFINED),
        "a-former-member-signals": ("DS-4", (None, None), _UNCONFINED),
    },
    "linux:freebsd": {
        "an-inner-domain-counts-as-one": ("FR-6", ((1, 1, 3, "first", "inner"), (1, 1, 2, "inner", "deep")), _NESTED),
        "status-of-no-reaper": (
            "FR-4",
            ((0, None, None, "nobody", "nobody"), (0, None, None, "nobody", "nobody")),
            _UNTOLD,
        ),
        "the-death-of-a-reaper": ("LC-1", ("first", "first"), _AT_DEATH),
        "an-orphan-of-a-dead-reapers-domain": ("LC-1", "first", _AT_DEATH),
        "it-comes-again-when-the-adopter-dies": (
            "LC-1",
            ("first", ["SIGUSR1"], "outside", ["SIGTERM", "SIGUSR1"], "outside"),
            _AT_DEATH,
        ),
        "the-number-128": ("FD-4", ("EOPNOTSUPP", 128), _SIGNALS),
        "a-member-that-is-a-reaper": ("FP-6", 3, "Linux does not tell whether another process is a reaper"),
        "members-of-sub-reapers-are-not-listed": (
            "FP-10",
            ([("deep", "inner"), ("inner", "inner")], [("deep", "deep")]),
            "Linux does not tell whether another process is a reaper, so members of nested domains are listed too",
        ),
        "a-subtree-outlives-its-root": (
            "FP-7",
            [("orphan", "orphan", 3)],
            "the line that a process came from is lost on Linux when its parent dies: an adopted orphan begins its own",
        ),
        "a-member-asks": ("FP-1", "EOPNOTSUPP", _UNTOLD),
        "status-of-a-member": (
            "FR-4",
            ((0, 2, 2, "first", "second"), (0, 2, 2, "first", "second")),
            "Linux does not tell whether another process is a reaper, so a member is asked for the caller's domain",
        ),
        "direct-children": (
            "FK-7",
            (("ok", 2, "nobody"), ["SIGUSR1"], ["SIGUSR1"], []),
            "a call that signalled a process succeeds; FreeBSD's own forgets it",
        ),
        "trapping-capability-errors": (
            "K-3",
            ("ENOSYS", "ENOSYS", "ENOSYS", "ENOSYS"),
            "Linux has nothing of the kind, and says so",
        ),
    },
}
"""By backend and behaviour: the rule, what is observed instead, and why."""

DIFFERENCES = [
    Difference(backend, behaviour, *row) for backend, rows in _ROWS.items() for behaviour, row in rows.items()
]


def difference(backend: str, behaviour: str) -> Difference | None:
    """Return the row for a behaviour on a backend (``NAME:FLAVOUR``), or None."""
    names = {backend, backend.partition(":")[0]}
    return next((row for row in DIFFERENCES if row.behaviour == behaviour and row.backend in names), None)
