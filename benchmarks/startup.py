"""Start-up: what a program pays before its first answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from .rows import Row, command


def rows() -> Iterator[Row]:
    """Fresh interpreters, all of them this one."""
    bare = command(sys.executable, "-c", "pass")
    importing = command(sys.executable, "-c", "import pydfly")
    yield Row("import pydfly", importing, "bare interpreter start", bare, 1.25, pairs=41, robust=True)
    yield Row(
        "import pydfly (psutil)",
        importing,
        "import psutil",
        command(sys.executable, "-c", "import psutil"),
        0.6,
        peers=("psutil",),
        robust=True,
    )
    yield Row(
        "first reaper.status()",
        command(sys.executable, "-c", "import pydfly; pydfly.reaper.status()"),
        "import psutil; psutil.Process().children()",
        command(sys.executable, "-c", "import psutil; psutil.Process().children()"),
        0.6,
        peers=("psutil",),
        robust=True,
    )
