"""Record a real session in a terminal as docs/_static/run.svg:  python ci/record.py

Needs the package with its extra `cli`, bash, and redis-server.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 92
PICTURE = Path(__file__).parents[1] / "docs" / "_static" / "run.svg"
FILES = {
    "redis.conf": "port 0\nunixsocket redis.sock\ndaemonize yes\nsave ''\nlogfile redis.log\n",
    "start.sh": "redis-server redis.conf                          # goes into the background\n"
    "setsid sh -c 'trap \"\" TERM; exec sleep 1000' &   # ignores SIGTERM\n",
}
SESSION = [
    ("cat start.sh", ""),
    ("pydfly run --wait-all --grace 2 --summary sh start.sh &", "until [ -S redis.sock ]; do sleep 0.1; done; sleep 1"),
    ("pydfly tree $!", ""),
    ("kill $!; wait", ""),
    ("pydfly tree $$    # no process is left", ""),
]


def main() -> None:
    """Play the session and draw what the terminal showed."""
    script = "".join(
        f"printf '\\033[1;32m$\\033[0m %s\\n' {_quoted(command)}\n{command}\n{silent}\n" for command, silent in SESSION
    )
    with tempfile.TemporaryDirectory() as place:
        for name, text in FILES.items():
            (Path(place) / name).write_text(text)
        shown = play(script, place)
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text.from_ansi(shown.rstrip()))
    picture = console.export_svg(title="pydfly run", theme=MONOKAI)
    # no font is fetched from anywhere
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    picture = picture.replace("Fira Code", "ui-monospace, Menlo, DejaVu Sans Mono")
    PICTURE.write_text(picture)


def play(script: str, place: str) -> str:
    """Run a script in a terminal, and return everything that it showed."""
    reading, writing = pty.openpty()
    subprocess.run(["stty", "cols", str(COLUMNS), "rows", "50"], stdin=writing, check=True)
    environment = {
        "HOME": place,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=place, env=environment, stdin=writing, stdout=writing, stderr=writing
    )
    os.close(writing)
    shown = b""
    while True:
        try:
            piece = os.read(reading, 65536)
        except OSError:  # EIO: no process holds the other end any more
            break
        if not piece:
            break
        shown += piece
    os.close(reading)
    process.wait()
    return shown.decode().replace("\r\n", "\n")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


if __name__ == "__main__":
    main()
