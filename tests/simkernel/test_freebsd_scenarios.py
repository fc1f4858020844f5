"""The player of FreeBSD recordings: it plays every operation, and finds every difference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pydfly.simkernel import scenarios
from pydfly.simkernel.scenarios import BrokenScenario, Mismatch

ALIVE = {"zombie": False, "pending": [], "deathsig": 0}
STATUS = {"flags": 1, "children": 0, "descendants": 0, "reaper": 2, "pid": -1}
TWO = {
    "op": "state",
    "processes": {"1": {"ppid": 0, **ALIVE}, "2": {"ppid": 1, **ALIVE}},
    "reapers": {"1": {"children": 1, "descendants": 1, "pid": 2, "members": [[2, 1, 3]]}},
    "reaper": {"2": 1},
    "uids": {},
}


def play(*ops: dict[str, Any], version: str = "13.2") -> list[Mismatch]:
    line = json.dumps({"name": "x", "os": "freebsd", "version": version, "ops": ops})
    return list(scenarios.play(scenarios.parse(line)))


def got(*ops: dict[str, Any]) -> list[object]:
    return [difference.got for difference in play(*ops)]


def error(name: str) -> dict[str, str]:
    return {"errno": name}


def call(cmd: str | int, data: object = None, result: object = 0, **more: object) -> dict[str, Any]:
    return {"op": "procctl", "pid": 2, "idtype": "P_PID", "id": 0, "cmd": cmd, "data": data, "result": result, **more}


FORK = {"op": "fork", "pid": 2, "child": 3}
KILLING = {"sig": 30, "flags": 0, "subtree": 0}
RIGHT: list[tuple[dict[str, Any], object, object]] = [
    # an operation, its right result, and a wrong one
    ({"op": "exec", "pid": 2, "path": "/bin/a", "suid": False}, 0, error("ENOEXEC")),
    ({"op": "exec", "pid": 2, "path": "/bin/a", "suid": False, "bad": True}, error("ENOEXEC"), 0),
    ({"op": "kill", "pid": 2, "target": 2, "sig": 0}, 0, error("EPERM")),
    ({"op": "kill", "pid": 2, "target": 77, "sig": 0}, error("ESRCH"), 0),
    ({"op": "setgid", "pid": 2, "gid": 5}, 0, error("EPERM")),
    ({"op": "setpgid", "pid": 2, "target": 77, "pgid": 0}, error("ESRCH"), 0),
    ({"op": "ptrace", "pid": 2, "request": "PT_ATTACH", "target": 77}, error("ESRCH"), 0),
    ({"op": "cap_enter", "pid": 2}, 0, error("ENOSYS")),
    ({"op": "close", "pid": 2, "fd": 9}, error("EBADF"), 0),
    ({"op": "drain", "pid": 2}, [], [15]),
]


@pytest.mark.parametrize(("op", "right", "wrong"), RIGHT)
def test_results_are_compared(op: dict[str, Any], right: object, wrong: object) -> None:
    assert play({**op, "result": right}) == []
    (difference,) = play({**op, "result": wrong})
    assert difference.expected in (wrong, {"result": wrong, "info": None})


def test_what_procctl_writes() -> None:
    acquire = call("PROC_REAP_ACQUIRE")
    assert play(acquire, call("PROC_REAP_STATUS", "buffer", out=STATUS)) == []
    assert play(acquire, call("PROC_REAP_ACQUIRE", "buffer", error("EINVAL"))) == []
    assert play(call("PROC_REAP_GETPIDS", "buffer", out=[]), call("PROC_REAP_GETPIDS", None, error("EFAULT"))) == []
    listed = [{"pid": 2, "subtree": 1, "flags": 3}]
    assert play(call("PROC_REAP_GETPIDS", {"count": 9, "pids": "buffer"}, out=listed)) == []
    assert play(call("PROC_REAP_GETPIDS", {"count": 9, "pids": "badptr"}, error("EFAULT"))) == []
    (difference,) = play(acquire, call("PROC_REAP_STATUS", "buffer"))
    assert difference.got == {"result": 0, "out": STATUS}
    assert play(call("PROC_TRACE_STATUS", "buffer", out={"value": 0}), call("PROC_TRACE_CTL", 2)) == []
    assert play(call("PROC_PDEATHSIG_CTL", 9), call("PROC_PDEATHSIG_STATUS", "buffer", out={"signal": 9})) == []
    assert play(call("PROC_REAP_STATUS", "buffer", error("ESRCH"), id=0, id_add=4 << 32)) == []
    assert play(call(99, result=error("EINVAL")) | {"idtype": 0}) == []


def test_what_a_kill_writes_on_errors() -> None:
    """9999 and -9999 stand for an untouched structure."""
    before = {"killed": 9999, "fpid": -9999}
    assert play(call("PROC_REAP_KILL", "buffer", error("EINVAL"))) == []
    assert play(call("PROC_REAP_KILL", {**KILLING, "sig": 0}, error("EINVAL"), out=before)) == []
    acquire = call("PROC_REAP_ACQUIRE")
    assert play(acquire, call("PROC_REAP_KILL", KILLING, error("ESRCH"), out={"killed": 0, "fpid": -1})) == []
    assert play(acquire, FORK, call("PROC_REAP_KILL", KILLING, out={"killed": 1, "fpid": -1})) == []
    readonly = {**KILLING, "readonly": True}
    assert play(acquire, FORK, call("PROC_REAP_KILL", readonly, error("EFAULT"))) == []
    assert (
        play({"op": "cap_enter", "pid": 2, "result": 0}, call("PROC_REAP_KILL", KILLING, error("ECAPMODE"), out=before))
        == []
    )


def test_who_dies_in_which_order() -> None:
    """The order is the record's; that they died is checked."""
    kill = call("PROC_REAP_KILL", {**KILLING, "sig": 9}, out={"killed": 2, "fpid": -1}, deaths=[3, 4])
    fork = {"op": "fork", "pid": 2, "child": 4}
    acquire = call("PROC_REAP_ACQUIRE")
    assert play(acquire, FORK, fork, kill) == []
    (difference,) = play(
        acquire, FORK, fork, {"op": "kill", "pid": 2, "target": 3, "sig": 9, "result": 0, "deaths": [3, 4]}
    )
    assert (difference.expected, difference.got) == (
        {"result": 0, "deaths": [3, 4]},
        {"result": 0, "deaths": [3]},
    )


def test_the_result_of_a_dead_caller_is_not_compared() -> None:
    assert play(FORK, {"op": "kill", "pid": 3, "target": 3, "sig": 9, "result": "killed", "deaths": [3]}) == []
    suicide = call("PROC_REAP_KILL", {**KILLING, "sig": 9}, "killed", out={"killed": 2, "fpid": -1}, deaths=[2, 3])
    assert play(FORK, {**suicide, "pid": 3}) == []
    alive = {"op": "kill", "pid": 2, "target": 3, "sig": 9, "result": "killed", "deaths": [3]}
    assert got(FORK, alive) == [{"result": 0, "deaths": [3]}]


def test_forks() -> None:
    pdfork = {"op": "fork", "pid": 2, "child": 3, "pdfork": 1, "fd": 3}
    assert play(pdfork, {"op": "close", "pid": 2, "fd": 3, "result": 0}) == []
    assert got({**pdfork, "fd": 7}) == [{"child": 3, "fd": 3}]
    assert got({**FORK, "child": 4}) == [3]
    assert (
        play({**FORK, "rfork": 84}, {"op": "state", "processes": {**TWO["processes"], "3": {"ppid": 1, **ALIVE}}}) == []
    )


def test_signals_are_drained_with_their_senders() -> None:
    user = {"sig": 30, "code": "SI_USER", "pid": 2, "uid": 0}
    kill = {"op": "kill", "pid": 2, "target": 2, "sig": 30, "result": 0}
    assert play(kill, kill, {"op": "drain", "pid": 2, "result": [30], "info": [user, user]}) == []
    assert got(kill, {"op": "drain", "pid": 2, "result": [30], "info": []}) == [{"result": [30], "info": [user]}]
    assert (
        play({"op": "sigchld_catch", "pid": 2, "value": True}, {"op": "sigchld_nocldwait", "pid": 2, "value": True})
        == []
    )


def test_the_state_is_compared_as_far_as_it_goes() -> None:
    assert play(TWO) == []
    assert play({"op": "state", "processes": TWO["processes"]}) == []
    for key, wrong in (("sugid", [2]), ("pgids", {"2": 2}), ("protected", [2]), ("uids", {"2": [1, 1, 1]})):
        (difference,) = play({**TWO, key: wrong})
        assert difference.expected == {key: {"2": True if isinstance(wrong, list) else wrong["2"]}}
    assert (
        play(
            {"op": "setuid", "pid": 2, "uid": 5, "result": 0},
            {**TWO, "uids": {"2": [5, 5, 5]}, "sugid": [2]},
        )
        == []
    )
    (difference,) = play({"op": "setuid", "pid": 2, "uid": 5, "result": 0}, {**TWO, "uids": {"2": [5, 5, 5]}})
    assert difference.got == {"sugid": {"2": True}}


def test_who_cannot_be_asked() -> None:
    mute = {"zombie": False, "pending": [], "deathsig": None}
    assert (
        play(
            FORK,
            {"op": "ptrace", "pid": 2, "request": "PT_ATTACH", "target": 3, "result": 0},
            {"op": "cap_enter", "pid": 2, "result": 0},
            {
                "op": "state",
                "processes": {
                    "1": TWO["processes"]["1"],
                    "2": {"ppid": 1, **mute},
                    "3": {"ppid": 2, **mute, "stopped": True},
                },
            },
        )
        == []
    )


def test_reapers_of_later_kernels() -> None:
    ops = (
        FORK,
        {"op": "exit", "pid": 3, "status": 0},
        {
            "op": "state",
            "reapers": {"1": {"children": 1, "descendants": 2, "pid": 2, "members": [[3, 1, 9], [2, 1, 3]]}},
        },
    )
    assert play(*ops, version="main") == []
    assert play(*ops, version="13.2") != []


def test_sysctl() -> None:
    switch = {"op": "sysctl", "name": "security.bsd.see_other_uids", "value": 0}
    assert (
        play(
            switch,
            {"op": "setuid", "pid": 2, "uid": 5, "result": 0},
            call("PROC_REAP_STATUS", "buffer", error("ESRCH"), id=1),
        )
        == []
    )


def test_what_is_refused_or_not_modelled_is_a_difference() -> None:
    """Also where no recording has an error; the rest is played."""
    told = play({"op": "fork", "pid": 2, "child": 3, "fd": 3, "pdfork": 4})
    assert [difference.got for difference in told] == [{"errno": "EINVAL"}]
    told = play({"op": "fork", "pid": 2, "child": 3, "fd": 3, "pdfork": 2}, {"op": "fork", "pid": 2, "child": 3})
    assert [(difference.number, str(difference.got)[:13]) for difference in told] == [(1, "not modelled:")]


def test_an_operation_that_is_none() -> None:
    with pytest.raises(BrokenScenario, match="takes a ReaperKill, not int"):
        play(call("PROC_REAP_KILL", 9))
    for op in ({"op": "register", "pid": 2}, call("PROC_DANCE"), call("PROC_REAP_STATUS", "what"), {**TWO, "x": {}}):
        with pytest.raises(BrokenScenario):
            play(op)
