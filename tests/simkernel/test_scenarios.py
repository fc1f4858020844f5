"""The player of recorded scenarios: it finds every difference, and refuses what is no scenario."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pydfly.simkernel import scenarios
from pydfly.simkernel.scenarios import BrokenScenario, Mismatch

STATE = {
    "op": "state",
    "processes": {
        "1": {"ppid": 0, "zombie": False, "pending": [], "deathsig": 0},
        "2": {"ppid": 1, "zombie": False, "pending": [], "deathsig": 0},
    },
}


def play(*ops: dict[str, Any]) -> list[Mismatch]:
    line = json.dumps({"name": "x", "os": "dragonfly", "ops": ops})
    return list(scenarios.play(scenarios.parse(line)))


def got(*ops: dict[str, Any]) -> list[object]:
    return [difference.got for difference in play(*ops)]


def error(name: str) -> dict[str, str]:
    return {"errno": name}


def call(cmd: str | int, data: object = None, result: object = 0, **more: object) -> dict[str, object]:
    return {
        "op": "procctl",
        "pid": 2,
        "idtype": "P_PID",
        "id": 0,
        "cmd": cmd,
        "data": data,
        "result": result,
        **more,
    }


def test_a_difference_is_one_line() -> None:
    (difference,) = play(
        {"op": "setuid", "pid": 2, "uid": 0, "result": 0},
        {"op": "setuid", "pid": 2, "uid": 0, "result": error("EPERM")},
    )
    assert str(difference) == 'x: operation 2 (setuid): expected {"errno": "EPERM"}, got 0'
    assert difference[:3] == ("x", 2, "setuid")


RIGHT: list[tuple[dict[str, Any], object, object]] = [
    # an operation, its right result, and a wrong one
    ({"op": "wait", "pid": 2, "target": -1}, error("ECHILD"), None),
    ({"op": "kill", "pid": 2, "target": 2, "sig": 0}, 0, error("EPERM")),
    ({"op": "kill", "pid": 2, "target": 77, "sig": 0}, error("ESRCH"), 0),
    ({"op": "setuid", "pid": 2, "uid": 5}, 0, error("EPERM")),
    ({"op": "exec", "pid": 2, "path": "/a", "suid": False}, {"resident": False, "entry": 4096}, 0),
    (
        {"op": "exec", "pid": 2, "path": "/a", "suid": True, "owner": 5},
        {"resident": False, "entry": 4096},
        {"resident": True, "entry": 4096},
    ),
    ({"op": "register", "pid": 2, "entry": 7}, 0, error("EEXIST")),
    ({"op": "register", "pid": 1, "entry": 7}, error("ENOENT"), 0),
    ({"op": "unregister", "pid": 2, "id": 7}, error("ENOENT"), 1),
    ({"op": "resident_list", "pid": 2, "probe": 0}, [], [{"id": 1}]),
]


@pytest.mark.parametrize(("op", "right", "wrong"), RIGHT, ids=json.dumps)
def test_each_result_is_compared(op: dict[str, Any], right: object, wrong: object) -> None:
    assert play({**op, "result": right}) == []
    (difference,) = play({**op, "result": wrong})
    if op["op"] == "resident_list":
        assert (difference.expected, difference.got) == (
            {"probe": 0, "result": wrong},
            {"probe": 0, "result": right},
        )
    else:
        assert (difference.expected, difference.got) == (wrong, right)


def test_waiting_and_listing_with_something_there() -> None:
    assert (
        play(
            {"op": "fork", "pid": 2, "child": 3},
            {"op": "wait", "pid": 2, "target": 3, "result": None},
            {"op": "register", "pid": 2, "entry": 7, "result": 0},
            {"op": "resident_list", "pid": 2, "probe": 1, "result": [{"id": 1, "entry": 7, "path": "/sbin/first"}]},
            {"op": "unregister", "pid": 2, "id": 1, "result": 1},
            {"op": "sigchld_ignore", "pid": 2, "value": True},
            {"op": "exit", "pid": 3, "status": 5},
            {"op": "wait", "pid": 1, "target": -1, "result": [3, 1280]},
            {"op": "setuid", "pid": 2, "uid": 5, "result": 0},
            {"op": "setuid", "pid": 2, "uid": 6, "result": error("EPERM")},
            {"op": "resident_list", "pid": 2, "probe": error("EPERM"), "result": error("EPERM")},
        )
        == []
    )


def test_a_child_with_another_pid() -> None:
    assert got({"op": "fork", "pid": 2, "child": 4}) == [3]
    assert got({"op": "fork", "pid": 2, "child": 3, "nowait": True}) == []


def test_procctl_and_what_it_writes() -> None:
    status = {"flags": 0, "refs": 0, "pid_head": -1}
    assert play(call("PROC_REAP_STATUS", "buffer", out=status)) == []
    assert play(call("PROC_REAP_STATUS")) == []
    assert play(call("PROC_REAP_STATUS", 5)) == []
    assert play(call("PROC_REAP_ACQUIRE", "buffer"), call("PROC_REAP_ACQUIRE", "badptr", error("EALREADY"))) == []
    assert play(call("PROC_PDEATHSIG_CTL", 9), call("PROC_PDEATHSIG_STATUS", "buffer", out={"signal": 9})) == []
    assert play(call(99, result=error("EINVAL"))) == []
    assert play(call("PROC_REAP_ACQUIRE") | {"idtype": 0}) == []
    assert got(call(99)) == [error("EINVAL")]
    (missing,) = play(call("PROC_REAP_STATUS", "buffer"))
    assert (missing.expected, missing.got) == ({"result": 0, "out": None}, {"result": 0, "out": status})
    (refused,) = play(call("PROC_REAP_ACQUIRE", result=error("EALREADY")))
    assert refused.got == {"result": 0, "out": None}


def test_the_state_is_compared_as_far_as_it_goes() -> None:
    whole = {**STATE, "children": {}, "reapers": {"1": 2}, "uids": {}}
    assert play(STATE) == []
    assert play({**whole, "reapers": {"1": 2}}) == []
    (difference,) = play({**STATE, "processes": {**STATE["processes"], "3": {}}})  # type: ignore[dict-item]
    assert (difference.expected, difference.got) == ({"processes": {"3": {}}}, {"processes": {"3": None}})
    assert got({**whole, "children": {"2": [4, 3]}, "reapers": {"1": 5}, "uids": {"2": [0, 1]}}) == [
        {"children": {"2": None}, "reapers": {"1": 2}, "uids": {"2": None}}
    ]
    assert (
        play(
            {"op": "fork", "pid": 2, "child": 3},
            {"op": "fork", "pid": 2, "child": 4},
            {
                "op": "exec",
                "pid": 3,
                "path": "/a",
                "suid": True,
                "owner": 5,
                "result": {"resident": False, "entry": 4096},
            },
            {"op": "state", "children": {"2": [4, 3]}, "uids": {"3": [5, 0]}},
        )
        == []
    )


def test_what_cannot_happen_is_a_difference_and_the_rest_is_played() -> None:
    assert got(
        {"op": "exit", "pid": 77, "status": 0},
        {"op": "kill", "pid": 2, "target": 77, "sig": 0, "result": 0},
    ) == ["impossible: there is no process 77", error("ESRCH")]


def test_a_panic_ends_the_scenario() -> None:
    differences = play(
        {"op": "fork", "pid": 2, "child": 3},
        {**call("PROC_PDEATHSIG_CTL", 128), "pid": 3},
        {"op": "exit", "pid": 2, "status": 0},
        {"op": "wait", "pid": 1, "target": -1, "result": [2, 0]},
    )
    assert [difference.number for difference in differences] == [3]
    assert str(differences[0].got).startswith("kernel panic: signal 128")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "a scenario is a JSON object"),
        ("{}", "the key 'name'"),
        ('{"name": "x", "ops": []}', "the key 'os'"),
        ('{"name": "x", "os": "dragonfly", "ops": {}}', "the key 'ops', a list"),
        ('{"name": "x", "os": "plan9", "ops": []}', "unknown os 'plan9'"),
        ('{"name": "x", "os": "dragonfly", "version": "9", "ops": []}', "unknown version '9'"),
    ],
)
def test_a_line_that_is_no_scenario(line: str | bytes, complaint: str) -> None:
    with pytest.raises(BrokenScenario, match=complaint):
        scenarios.parse(line)


@pytest.mark.parametrize(
    ("op", "complaint"),
    [
        (5, "operation 1: an operation is a JSON object"),
        ({}, "operation 1: unknown operation None"),
        ({"op": "dance"}, "operation 1: unknown operation 'dance'"),
        ({"op": ["fork"]}, r"operation 1: unknown operation \['fork'\]"),
        ({"op": "exit", "pid": 2}, "operation 1: exit: no key 'status'"),
        ({"op": "exit", "pid": "2", "status": 0}, "operation 1: exit: '2' is no pid"),
        ({"op": "kill", "pid": 2, "target": 2, "sig": "x", "result": 0}, "operation 1: kill: "),
        (call("PROC_DANCE"), "operation 1: procctl: no key 'PROC_DANCE'"),
        ({**STATE, "weather": {}}, "operation 1: state: a state says nothing of 'weather'"),
        ({**STATE, "children": [1]}, "operation 1: state: a state says of 'children' what each process has"),
        (call("PROC_REAP_STATUS", "what"), "operation 1: procctl: no key 'what'"),
    ],
)
def test_an_operation_that_is_none(op: Any, complaint: str) -> None:
    with pytest.raises(BrokenScenario, match=complaint):
        play(op)
