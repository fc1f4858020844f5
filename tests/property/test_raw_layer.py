"""The raw layer with arbitrary arguments, on every backend: only documented errors, and the checks in their order."""

from __future__ import annotations

import os
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

import pydfly
from pydfly import syscalls
from pydfly.backends import choice, current
from tests.conftest import linux_only
from tests.processes import in_process
from tests.property.rawcalls import TWO_FAULTS, calls, differences, model_of, numbers, odd, outcome

BACKENDS = [
    "sim",
    "sim:freebsd",
    pytest.param("linux", marks=linux_only),
    pytest.param("linux:freebsd", marks=linux_only),
]
FUZZ = settings(deadline=None, database=None, print_blob=False, suppress_health_check=list(HealthCheck))


def forget(backend: Any) -> None:
    """Bring this process back to where a history begins."""
    for command in ("PROC_REAP_RELEASE", "PROC_PDEATHSIG_CTL"):
        number = int(getattr(pydfly.constants.of(backend.flavour).Command, command))
        outcome(backend.procctl, 0, 0, number, 0 if command.endswith("CTL") else pydfly.NULL)


@pytest.mark.parametrize("spec", BACKENDS)
def test_procctl(spec: str) -> None:
    """Every history of calls comes to what the kernel's order of checks says.

    Played in a process to throw away: some of the calls change it for good.
    """

    def script() -> None:
        with pydfly.use(spec):
            simulated = spec.startswith("sim")

            @settings(FUZZ, max_examples=400)
            @given(calls)
            @example(TWO_FAULTS)
            def play(history: list[tuple[Any, Any, Any, Any]]) -> None:
                backend = current()
                forget(backend)
                own = backend.processes.getpid() if simulated else os.getpid()
                assert differences(model_of(backend.flavour, own), history) == []

            play()

    in_process(script)


@pytest.mark.parametrize("spec", ["sim", pytest.param("linux", marks=linux_only)])
def test_residency(spec: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """exec_sys_register and exec_sys_unregister take what fits their C types, and nothing else."""
    monkeypatch.setenv("PYDFLY_STATE_DIR", str(tmp_path / "registry"))
    options: dict[str, Any] = {"euid": 0}
    with pydfly.use(spec, **options), warnings.catch_warnings():
        warnings.simplefilter("ignore")

        @settings(FUZZ, max_examples=100)
        @given(numbers | odd, numbers | odd)
        def play(entry: Any, id: Any) -> None:
            outcome(pydfly.exec_sys_unregister, -2)
            registered = outcome(pydfly.exec_sys_register, entry)
            fits = isinstance(entry, int) and -(2**63) <= entry < 2**64
            assert registered == (None if fits else "OverflowError" if isinstance(entry, int) else "TypeError")
            removed = outcome(pydfly.exec_sys_unregister, id)
            if not isinstance(id, int):
                assert removed == "TypeError"
            elif not -(2**31) <= id < 2**31:
                assert removed == "OverflowError"
            else:
                assert removed == (1 if fits and id in (1, -1, -2) else "ENOENT")

        play()


@pytest.mark.parametrize("spec", ["sim:freebsd", pytest.param("linux:freebsd", marks=linux_only)])
def test_no_residency_on_freebsd(spec: str) -> None:
    """What C could not take comes first, then ENOSYS."""
    with pydfly.use(spec):

        @settings(FUZZ, max_examples=50)
        @given(numbers | odd)
        def play(value: Any) -> None:
            fits = isinstance(value, int) and -(2**31) <= value < 2**31
            expected = "ENOSYS" if fits else "OverflowError" if isinstance(value, int) else "TypeError"
            assert outcome(pydfly.exec_sys_unregister, value) == expected

        play()


@pytest.mark.parametrize("spec", BACKENDS)
def test_modules(spec: str) -> None:
    """modfind and modstat raise what is documented."""
    backend = choice.start(spec)

    @settings(FUZZ, max_examples=50)
    @given(numbers | odd)
    def play(value: Any) -> None:
        with pydfly.use(backend):
            assert outcome(syscalls.modstat, value) in {"ENOENT", "ENOSYS", "TypeError", "OverflowError"}

    play()
