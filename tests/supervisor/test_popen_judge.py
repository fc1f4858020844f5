"""CPython's own tests of subprocess, with ``supervise()`` in the place of Popen."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import live_only

# ProcessTestCaseNoPoll is the same with another selector in communicate(), which is CPython's own code here
CLASSES = ["ContextManagerTests", "MiscTests", "POSIXProcessTestCase", "ProcessTestCase", "RunFuncTestCase"]
PARTS = {"POSIXProcessTestCase": 2, "ProcessTestCase": 4}  # dealt out, so that they run at the same time

pytestmark = live_only


@pytest.mark.parametrize(
    ("kind", "share"),
    [(kind, f"{part}/{parts}") for kind in CLASSES for parts in [PARTS.get(kind, 1)] for part in range(parts)],
)
def test_what_cpython_expects_of_popen(kind: str, share: str) -> None:
    """Every test passes that is not in the list of those that cannot apply."""
    if importlib.util.find_spec("test.test_subprocess") is None:
        pytest.skip("this Python came without its test suite (Debian: libpython3.11-testsuite)")
    judged = subprocess.run(
        [sys.executable, "-m", "tests.supervisor.judge", kind, share],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=500 if sys.platform == "linux" else 3000,  # a BSD may be an emulated one
    )
    assert judged.returncode in (0, 1), f"{judged.returncode}: {judged.stdout[-2000:]}{judged.stderr[-4000:]}"
    assert "{" in judged.stdout, judged.stderr[-4000:]
    numbers = json.loads(judged.stdout.splitlines()[-1])
    assert numbers["failed"] == 0, judged.stdout[-8000:]
    assert numbers["run"] > 0
