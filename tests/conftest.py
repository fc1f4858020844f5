"""What every test gets: no backend chosen elsewhere, and a header that says what is live here."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from typing import Any

import hypothesis
import pytest

from pydfly import backends
from pydfly.backends import choice

collect_ignore = ["leaky"]  # a project of its own, whose tests misbehave on purpose
bsd = sys.platform.startswith(("dragonfly", "freebsd"))
hypothesis.settings.register_profile("pydfly", deadline=None)  # an example takes as long as the machine takes
hypothesis.settings.load_profile("pydfly")
OTHER_BSD = {"dragonfly": "FreeBSD", "freebsd": "DragonFly"}.get(choice.machine(), "neither")
"""Tests are skipped for want of this system's kernel wherever they are run, but there."""
live_only = pytest.mark.skipif(sys.platform != "linux" and not bsd, reason="acts on real processes of Linux or a BSD")
reads_proc = pytest.mark.skipif(not os.path.isdir("//proc/self/task"), reason="reads Linux's /proc")
"""Also run in a confined machine (tests/confined), which hides /proc, but not //proc."""
own_user_only = pytest.mark.skipif(
    not sys.platform.startswith(os.uname().sysname.lower()), reason="a confined machine is not open to other users"
)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="acts on real Linux processes")

# What was ignored where the tests were started (nohup, `&` in a script, trap '') the programs of the tests would ignore
# as well; they are about what happens without that.  Python's own choices stay.
for _number in signal.valid_signals() - {signal.SIGPIPE, getattr(signal, "SIGXFSZ", signal.SIGPIPE)}:
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)


OWN_FOLDER = pytest.StashKey[str]()


@pytest.hookimpl(tryfirst=True)  # pytest reads the option when it is configured
def pytest_configure(config: pytest.Config) -> None:
    """Let the session have a folder of its own for temporary files, unless it was given one, as a worker is.

    Sessions that share pytest's folder remove each other's old files, and where two do so at once, one fails.
    """
    if config.option.basetemp is None:
        folder = os.path.join(tempfile.gettempdir(), f"pydfly-tests-{secrets.token_hex(6)}")
        config.option.basetemp = config.stash[OWN_FOLDER] = folder


@pytest.hookimpl(trylast=True)  # the workers have ended
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remove the session's own folder, but keep it if a test has failed: the files may show why."""
    folder = session.config.stash.get(OWN_FOLDER, None)
    if folder and exitstatus != pytest.ExitCode.TESTS_FAILED:
        shutil.rmtree(folder, ignore_errors=True)


SETSID = f"""#!{sys.executable} -IS
import os, sys
words = sys.argv[1:]
if words[0] == "-f":
    del words[0]
    if os.fork():
        os._exit(0)
elif os.getpid() == os.getpgrp() and os.fork():
    os._exit(0)
os.setsid()
os.execvp(words[0], words)
"""


@pytest.fixture(scope="session", autouse=True)
def _setsid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the programs of the tests find a setsid(1), which the BSDs do not have."""
    before = os.environ.get("PATH", os.defpath)
    if shutil.which("setsid") is None:
        folder = tmp_path_factory.mktemp("bin")
        (folder / "setsid").write_text(SETSID)
        (folder / "setsid").chmod(0o755)
        os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    yield
    os.environ["PATH"] = before


@pytest.fixture(autouse=True)
def _automatic_backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each test start with the automatic choice, without the user's environment."""
    for name in [name for name in os.environ if name.startswith("PYDFLY_") and name != "PYDFLY_REQUIRE"]:
        if name in ("PYDFLY_BACKEND", "PYDFLY_STATE_DIR"):
            monkeypatch.delenv(name)
    before = (backends._current, backends._chosen)
    backends._current = backends._chosen = None
    yield
    backends._current, backends._chosen = before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Turn skips into failures where PYDFLY_REQUIRE says that nothing is missing.

    ``native``: nothing may be skipped for want of a BSD kernel, but what is for the other BSD's.  Any other word:
    nothing for any other want.
    """
    report = yield
    required = set(os.environ.get("PYDFLY_REQUIRE", "").split(",")) - {""}
    if report.skipped and not hasattr(report, "wasxfail") and required:
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if f"needs a BSD kernel: {OTHER_BSD}" in reason:
            return report
        needs_bsd = "BSD kernel" in reason or "native:" in reason
        if "native" in required if needs_bsd else required - {"native"}:
            report.outcome = "failed"
            report.longrepr = f"PYDFLY_REQUIRE forbids this skip: {reason}"
    return report


def pytest_report_header(config: pytest.Config) -> str:
    return f"pydfly backend here: {backends.info().why}"
