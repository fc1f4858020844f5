"""The examples of README and documentation, and api.py, under pyright: ``python -m tests.typing.pyright``; ci/types.sh.

pyright fetches itself from npm when it is first run, so this is no test of the usual run, where mypy reads the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from .test_examples import ROOT, examples


def main() -> int:
    """Return 0 if pyright finds nothing, and what it refuses of api.py is what mypy refuses."""
    with tempfile.TemporaryDirectory(prefix="pydfly-") as name:
        directory = Path(name)
        for example, code in examples().items():
            (directory / example).write_text(code)
        (directory / "api.py").write_text(Path(__file__).with_name("api.py").read_text())
        settings = {"extraPaths": [str(ROOT)], "pythonVersion": "3.10", "reportUnnecessaryTypeIgnoreComment": "error"}
        (directory / "pyrightconfig.json").write_text(json.dumps(settings))
        command = [sys.executable, "-m", "pyright", "--project", name, "--pythonpath", sys.executable]
        return subprocess.run(command, cwd=name, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
