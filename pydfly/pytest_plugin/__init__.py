"""The pytest plugin: ``--reap-leaks=report|warn|fail`` finds, names and ends processes that a test left behind;
fixtures for simulated kernels.  Off unless asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..simkernel import Kernel
    from .report import Report
    from .watch import Watch

_WATCH = pytest.StashKey["Watch"]()
_PROCESS = pytest.StashKey[int]()
_REPORT = pytest.StashKey["Report"]()
_LINES = pytest.StashKey["list[str]"]()


@pytest.fixture
def dragonfly_kernel() -> Kernel:
    """A simulated DragonFly kernel, booted for this test: ``dragonfly_kernel.spawn("/bin/sh")`` is a first process,
    and ``with pydfly.use(process):`` lets the program act as it.
    """
    from .. import simkernel

    return simkernel.boot("dragonfly")


@pytest.fixture
def freebsd_kernel() -> Kernel:
    """A simulated FreeBSD kernel, booted for this test: see dragonfly_kernel."""
    from .. import simkernel

    return simkernel.boot("freebsd")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--reap-leaks`` and what goes with it."""
    parser.getgroup("pydfly").addoption(
        "--reap-leaks",
        choices=["report", "warn", "fail"],
        help="find and name the processes that a test leaves behind: report them at the end, and end them then; "
        "or end them after the test, and warn or fail the test",
    )
    parser.addini("reap_leaks_allow", "names of processes that are no leaks, as patterns (--reap-leaks)", "args", [])
    parser.addini("reap_leaks_grace", "seconds in which a process may end by itself (--reap-leaks)", default="0.1")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and check the settings, so that a wrong one is reported before any test runs."""
    config.addinivalue_line(
        "markers", "leaks(*names): processes of these names (patterns), or any, may outlive the test (--reap-leaks)"
    )
    if config.getoption("reap_leaks") is not None:
        _grace(config)


def _watch(config: pytest.Config) -> Watch | None:
    """Return what watches in this process; it begins when the first test does, and never in a process that runs none
    (the controller of xdist, whose children are the workers).
    """
    if config.getoption("reap_leaks") is None:
        return None
    if _WATCH not in config.stash:
        from ..errors import BackendError
        from .watch import Watch

        try:
            config.stash[_WATCH] = Watch(_grace(config), config.getini("reap_leaks_allow"))
        except BackendError as error:
            raise pytest.UsageError(f"--reap-leaks: {error}") from None
        config.stash[_PROCESS] = os.getpid()
    if config.stash[_PROCESS] != os.getpid():  # a forked copy of this program watches nothing
        return None
    return config.stash[_WATCH]


def _grace(config: pytest.Config) -> float:
    text = config.getini("reap_leaks_grace")
    try:
        grace = float(text)
    except ValueError:
        grace = -1.0
    if not 0 <= grace < float("inf"):
        raise pytest.UsageError(f"reap_leaks_grace is a number of seconds, not {text!r}")
    return grace


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin to watch with the first test."""
    watch = _watch(item.config)
    if watch is not None:
        watch.births.begin(item.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """A process of a fixture that outlives a test is a leak only if it outlives the fixture."""
    watch = _watch(request.config) if fixturedef.scope != "function" else None
    if watch is None:
        return (yield)
    watch.new()  # what the test has started until now is its own
    origin, outer = watch.births.fixture(fixturedef), watch.births.scope
    watch.births.scope = origin
    value: object = None
    try:
        value = yield
        return value
    finally:
        watch.set_up(origin, value)
        watch.births.scope = outer


@pytest.hookimpl(wrapper=True)
def pytest_fixture_post_finalizer(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """A fixture has ended: its processes should have, too."""
    try:
        return (yield)
    finally:
        watch = _watch(request.config) if fixturedef.scope != "function" else None
        if watch is not None:
            watch.torn_down(watch.births.fixture(fixturedef))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Look for leaks when everything else of a test is over, its fixtures torn down."""
    try:
        result = yield
    except BaseException:
        _check(item, fail=False)  # the teardown has failed in any case: its own error is the one to show
        raise
    _check(item, fail=item.config.getoption("reap_leaks") == "fail")
    return result


def _check(item: pytest.Item, *, fail: bool) -> None:
    watch = _watch(item.config)
    if watch is None:
        return
    marks = list(item.iter_markers("leaks"))
    exempt = [str(name) for mark in marks for name in mark.args or ("*",)]
    if item.config.getoption("reap_leaks") == "report":
        _report(item.config, watch).test_is_over(item.nodeid, exempt)
        return
    leaks = watch.check(exempt)
    if not leaks:
        return
    what = "a process" if len(leaks) == 1 else f"{len(leaks)} processes"
    text = "\n  ".join([f"{item.nodeid} left {what} behind:", *(leak.told(item.nodeid) for leak in leaks)])
    if fail:
        pytest.fail(text, pytrace=False)
    from .leaks import LeakedProcessWarning

    item.warn(LeakedProcessWarning(text))


def _report(config: pytest.Config, watch: Watch) -> Report:
    if _REPORT not in config.stash:
        from .report import Report

        config.stash[_REPORT] = Report(watch)
    return config.stash[_REPORT]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what was reported only; a worker of xdist tells its controller."""
    config = session.config
    if _REPORT in config.stash and _watch(config) is not None:
        lines = config.stash[_REPORT].finish()
        if hasattr(config, "workeroutput"):
            config.workeroutput["pydfly_leaks"] = lines
        else:
            config.stash.setdefault(_LINES, []).extend(lines)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take a worker's list."""
    node.config.stash.setdefault(_LINES, []).extend(getattr(node, "workeroutput", {}).get("pydfly_leaks", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List what was left behind."""
    lines = config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("processes left behind")
        for line in lines:
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop watching."""
    watch = config.stash.get(_WATCH, None)
    if watch is not None:
        watch.close()
