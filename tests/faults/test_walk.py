"""One fault at a time in a helper: no process is left, nothing hangs, no traceback is seen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

EVERY = os.environ.get("PYDFLY_FAULTS_EVERY", "307")


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.getuid() != 0, reason="needs a pid namespace: Linux, root"
)
@pytest.mark.parametrize("scenario", ["run", "Supervisor"])
@pytest.mark.parametrize("role", ["guard", "deputy", "warden"])
def test_some_faults(role: str, scenario: str) -> None:
    """A walk with long strides; ci/faults.sh makes the others."""
    walk = [sys.executable, "-m", "tests.faults.walk", "--every", EVERY, "--role", role]
    walk += ["--scenario", scenario]
    box = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    done = subprocess.run([*box, *walk], capture_output=True, text=True, timeout=500)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith(", 0 went wrong\n")
