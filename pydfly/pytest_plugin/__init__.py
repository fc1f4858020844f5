"""The pytest plugin: ``--reap-leaks=warn|fail`` finds, names and kills processes that a test left behind; fixtures
for simulated kernels.  Off unless asked for.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..simkernel import Kernel
    from .leaks import Watch

_WATCH = pytest.StashKey["Watch"]()
_PROCESS = pytest.StashKey[int]()


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
    """Add ``--reap-leaks``."""
    parser.getgroup("pydfly").addoption(
        "--reap-leaks",
        choices=["warn", "fail"],
        help="find, name and kill the processes that a test leaves behind; warn, or fail the test",
    )


def _watch(config: pytest.Config) -> Watch | None:
    """Return what watches in this process; it begins when the first test does, and never in a process that runs none
    (the controller of xdist, whose children are the workers).
    """
    if config.getoption("reap_leaks") is None:
        return None
    if _WATCH not in config.stash:
        from ..errors import BackendError
        from . import leaks

        try:
            config.stash[_WATCH] = leaks.Watch()
        except BackendError as error:
            raise pytest.UsageError(f"--reap-leaks: {error}") from None
        config.stash[_PROCESS] = os.getpid()
    if config.stash[_PROCESS] != os.getpid():  # a forked copy of this program has no business here
        return None
    return config.stash[_WATCH]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin to watch with the first test."""
    _watch(item.config)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """What a fixture starts that lives longer than a test is a leak only if it outlives the fixture."""
    watch = _watch(request.config) if fixturedef.scope != "function" else None
    if watch is None:
        return (yield)
    try:
        return (yield)
    finally:
        watch.give(_owner(fixturedef))


@pytest.hookimpl(wrapper=True)
def pytest_fixture_post_finalizer(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """A fixture has ended, and so should its processes have."""
    try:
        return (yield)
    finally:
        watch = _watch(request.config) if fixturedef.scope != "function" else None
        if watch is not None:
            watch.take_back(_owner(fixturedef))


def _owner(fixturedef: pytest.FixtureDef[object]) -> tuple[int, str]:
    return id(fixturedef), f"the {fixturedef.scope} fixture {fixturedef.argname}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Look for leaks when everything else of a test is over, its fixtures torn down."""
    try:
        result = yield
    except BaseException:
        _check(item, fail=False)  # the teardown has failed anyway, and its own error is to be seen
        raise
    _check(item, fail=item.config.getoption("reap_leaks") == "fail")
    return result


def _check(item: pytest.Item, *, fail: bool) -> None:
    watch = _watch(item.config)
    leaks = watch.check() if watch is not None else []
    if not leaks:
        return
    what = "a process" if len(leaks) == 1 else f"{len(leaks)} processes"
    text = "\n  ".join([f"{item.nodeid} left {what} behind:", *map(str, leaks)])
    if fail:
        pytest.fail(text, pytrace=False)
    from .leaks import LeakedProcessWarning

    item.warn(LeakedProcessWarning(text))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop watching."""
    watch = config.stash.get(_WATCH, None)
    if watch is not None:
        watch.close()
