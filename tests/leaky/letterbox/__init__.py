"""A package with a daemon that is easily forgotten: what tests of the pytest plugin are run on."""

from __future__ import annotations

import subprocess
import sys

KEEPER = "import signal; signal.pause()"


def open_box(name: str) -> subprocess.Popen[bytes]:
    """Start the process that keeps a letterbox; its caller is to close it."""
    return subprocess.Popen([sys.executable, "-c", KEEPER, f"letterbox-{name}"])


def close_box(box: subprocess.Popen[bytes]) -> None:
    """End it."""
    box.terminate()
    box.wait()


def install_service(name: str) -> None:
    """Start it as a daemon: in a session of its own, and no child of this process."""
    code = f"import os, sys; os.setsid(); os.fork() and os._exit(0); os.execv({sys.executable!r}, sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, sys.executable, "-c", KEEPER, f"letterbox-{name}"], check=True)
