"""What the command finds when it starts: environment, path, signals, limits, descriptors."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from ..wrappers import Row
from . import ending, said

# Python would ignore SIGPIPE, so a shell tells
STATE = """
grep -E '^Sig(Blk|Ign)' /proc/self/status; umask; nice; ulimit -a
cat /proc/self/oom_score_adj; grep -E '^Cpus_allowed:|^Cap' /proc/self/status; pwd
for number in 0 1 2 3 4 5 6 7 8 9 10; do [ -e /proc/$$/fd/$number ] && echo $number; done
"""
STATES = {
    "limits and closed descriptors": "ulimit -n 333; ulimit -c 0; umask 027; exec 2>/dev/null <&-",
    "ignored signals": "trap '' INT USR1 RTMIN",
    "SIGPIPE ignored": "trap '' PIPE",
    "an open descriptor": "exec 7</dev/null",
}


def environment(words: list[str]) -> str:
    """Run env(1) with no environment, and with a few variables."""
    for variables in ({}, {"A": "1"}, {"LANG": "C", "LC_CTYPE": "C"}):
        _, out, trouble = said([*words, "/usr/bin/env"], env=variables)
        expected = {f"{name}={value}" for name, value in variables.items()}
        if trouble:
            return trouble.strip().splitlines()[-1]
        if set(out.splitlines()) != expected:
            return f"adds {', '.join(sorted(set(out.splitlines()) - expected))}"
    return "as it was"


def no_path(words: list[str]) -> str:
    """Look for a program without $PATH."""
    status, out, trouble = said([*words, "expr", "40", "+", "2"], env={})
    return "found" if out == "42\n" else f"{ending(status)}: {trouble.strip().splitlines()[-1:]}"


def python_path(words: list[str]) -> str:
    """Have modules of the command's in $PYTHONPATH that are called as those of Python."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("types", "signal", "json", "collections", "struct", "select", "re", "enum"):
            (Path(folder) / f"{name}.py").write_text("raise SystemExit('the wrapper imports what is not its own')\n")
        environ = {**os.environ, "PYTHONPATH": folder, "PYTHONSTARTUP": "/nowhere", "PYTHONWARNINGS": "error"}
        if said([sys.executable, "-c", "pass"], env=environ)[2]:
            # an editable installation imports when Python starts, before any program can do something about it
            for name in ("types", "collections", "re", "enum"):
                (Path(folder) / f"{name}.py").unlink()
        for command in (["sh", "-c", 'echo "$PYTHONPATH"'], ["sh", "-c", 'sleep 9 & echo "$PYTHONPATH"']):
            _, out, trouble = said([*words, *command], env=environ, cwd=folder)
            if (out, trouble) != (f"{folder}\n", ""):
                return (trouble or out).strip().splitlines()[-1]
    return "untouched"


def state(words: list[str]) -> str:
    """Compare what a command finds with what it finds without a wrapper."""
    shell = shutil.which("bash") or "sh"
    for what, before in STATES.items():
        shells = [shell, "-c", f'{before}; "$@"; exit $?', "sh"]
        here = subprocess.run([*shells, "sh", "-c", STATE], capture_output=True, text=True, check=False).stdout
        there = subprocess.run([*shells, *words, "sh", "-c", STATE], capture_output=True, text=True, check=False).stdout
        if here != there:
            pairs = zip(here.splitlines(), there.splitlines(), strict=False)
            changed = next((f"{mine} becomes {its}" for mine, its in pairs if mine != its), "does not run")
            return f"{what}: {' '.join(changed.split())}"
    return "as it was"


def script(words: list[str]) -> str:
    """Run a script that does not say by what it is to be run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script"
        file.write_text('echo "run by sh: $1"\n')
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        status, out, trouble = said([*words, str(file), "x"])
    return "run by sh" if out == "run by sh: x\n" else f"{ending(status)}: {re.sub('.*: ', '', trouble.strip())}"


def empty(words: list[str]) -> str:
    """Run the command whose name is empty."""
    status, _, trouble = said([*words, ""])
    return f"{ending(status)}, {len(trouble.splitlines())} line{'s' * (len(trouble.splitlines()) != 1)}"


def long_name(words: list[str]) -> str:
    """Run a command whose name is longer than any file's, and one with a long argument."""
    status, _, trouble = said([*words, "x" * 300])
    argument = "y" * 100_000
    _, out, _ = said([*words, "echo", argument])
    lines = len(trouble.splitlines())
    return f"{ending(status)}, {lines} line{'s' * (lines != 1)}" + ("" if out == argument + "\n" else ", argument lost")


def listening(words: list[str]) -> str:
    """Hand sockets over as systemd does: $LISTEN_PID is the pid of the process that they are for."""
    before = "export LISTEN_FDS=1 LISTEN_PID=$$"
    _, out, _ = said([*words, "sh", "-c", '[ "$LISTEN_PID" = $$ ] && echo mine'], before=before)
    return "the command's" if out == "mine\n" else "the wrapper's"


def half_hidden(words: list[str]) -> str:
    """Run where /proc shows processes and nothing else."""
    mount = 'mount -t proc -o subset=pid proc /proc && exec "$@"'
    command = ["sh", "-c", "trap '' TERM; setsid sleep 5 & exit 3"]
    return ending(said(["unshare", "-m", "sh", "-c", mount, "sh", *words, *command])[0])


def first_process(words: list[str]) -> str:
    """Be process 1, and let a signal end the command."""
    namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    return ending(said([*namespace, *words, "sh", "-c", "kill -TERM $$; exit 9"])[0])


def rows() -> list[Row]:
    """Return the rows of this topic."""
    unshare = shutil.which("unshare")
    may = unshare and subprocess.run([unshare, "-mpf", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    lacking = "" if may else "needs namespaces, which not every superuser may make"
    linux = "" if sys.platform == "linux" else "needs Linux"
    return [
        Row("an empty environment, one variable, the C locale", "as it was", environment),
        Row("no PATH", "found", no_path),
        Row("`types.py`, `signal.py` in PYTHONPATH and here", "untouched", python_path),
        Row("signals, mask, limits, nice, umask, descriptors", "as it was", state, linux),
        Row("a script without `#!`", "run by sh", script),
        Row("an empty name", "status 127, 1 line", empty),
        Row("a name of 300 characters, an argument of 100,000", "status 126, 1 line", long_name),
        Row("LISTEN_PID", "the command's", listening),
        Row("/proc with subset=pid", "status 3", half_hidden, linux or lacking),
        Row("as process 1, SIGTERM ends the command", "status 143", first_process, linux or lacking),
    ]
