"""The demonstration: daemons that escape from everything else are supervised, shown and ended; a program is made
resident and removed again; the doctor reports.  Every claim is checked: the exit status is 0 only if all held.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pydfly

PYDFLY = str(Path(sys.executable).with_name("pydfly"))
HERE = Path(__file__).parent


def say(text: str) -> None:
    """Print a line that stands out."""
    print(f"\n=== {text}", flush=True)


def until(condition: Callable[[], object], what: str, timeout: float = 20.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"demo: not within {timeout:.0f} s: {what}")
        time.sleep(0.01)


def check(holds: object, what: str) -> None:
    """Fail the demonstration if something does not hold."""
    if not holds:
        sys.exit(f"demo: failed: {what}")
    print(f"held: {what}", flush=True)


def pid_in(file: Path) -> int:
    """Return the pid that a daemon wrote, 0 while there is none."""
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def gone(pid: int) -> bool:
    """Say whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def daemons(folder: Path) -> list[tuple[str, list[str], Path]]:
    """Return what to supervise: name, command, pid file.  Real services where they are installed."""
    own = folder / "own.pid"
    found = [("a daemon of our own", [sys.executable, str(HERE / "daemon.py"), str(own)], own)]
    if redis := shutil.which("redis-server"):
        options = ["--port", "0", "--unixsocket", f"{folder}/redis.sock", "--dir", str(folder), "--save", ""]
        command = [redis, *options, "--pidfile", f"{folder}/redis.pid", "--daemonize", "yes"]
        found.append(("redis-server --daemonize yes", command, folder / "redis.pid"))
    if nginx := shutil.which("nginx") or shutil.which("/usr/sbin/nginx"):
        conf = folder / "nginx.conf"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        user = "user root;" if os.geteuid() == 0 else ""
        conf.write_text(
            f"{user} daemon on; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}\n"
            f"http {{ access_log off; {temporary} server {{ listen unix:{folder}/nginx.sock; }} }}\n"
        )
        found.append(("nginx, daemon on", [nginx, "-e", f"{folder}/nginx.log", "-c", str(conf)], folder / "nginx.pid"))
    if memcached := shutil.which("memcached"):
        user_option = ["-u", "root"] if os.geteuid() == 0 else []
        command = [memcached, "-d", "-s", f"{folder}/memcached.sock", "-P", f"{folder}/memcached.pid", *user_option]
        found.append(("memcached -d", command, folder / "memcached.pid"))
    return found


def supervise(name: str, command: list[str], pid_file: Path, folder: Path) -> None:
    """Run a daemon under `pydfly run`, show the tree, end it, and prove that no process is left."""
    say(f"pydfly run --wait-all: {name}")
    report = folder / "report.json"
    runner = subprocess.Popen([PYDFLY, "run", "--wait-all", "--grace", "2", "--report", str(report), "--", *command])
    try:
        until(lambda: pid_in(pid_file), f"{name} tells its pid")
        daemon = pid_in(pid_file)
        until(lambda: str(daemon) in tree(runner.pid), f"{name} is a descendant of pydfly run")
        print(tree(runner.pid), end="", flush=True)
        runner.send_signal(signal.SIGTERM)
        status = runner.wait(30)
    finally:
        runner.kill()
        runner.wait()
    check(gone(daemon), f"{name} (pid {daemon}) is gone; pydfly run ended with {status}")
    ended = {process["pid"]: process for process in json.loads(report.read_text())["processes"]}
    check(daemon in ended, f"the report tells how it ended: {ended.get(daemon)}")


def tree(pid: int) -> str:
    """Return what `pydfly tree` shows."""
    return subprocess.run([PYDFLY, "tree", str(pid)], capture_output=True, text=True).stdout


def exit_statuses(folder: Path) -> None:
    """Show that a command's exit status comes through, and that what it left behind is gone."""
    left = folder / "left.pid"
    script = "python daemon.py left.pid; until [ -s left.pid ]; do sleep 0.05; done; exit 7"
    say(f"pydfly run -- sh -c '{script}'")
    words = script.replace("left.pid", '"$2"').replace("python daemon.py", '"$0" "$1"')
    done = subprocess.run([PYDFLY, "run", "--", "sh", "-c", words, sys.executable, str(HERE / "daemon.py"), str(left)])
    check(done.returncode == 7, f"exit status {done.returncode}")
    check(gone(pid_in(left)), f"the daemon that it left behind in a session of its own (pid {pid_in(left)}) is gone")


def residency() -> None:
    """Register, list and remove a program: in a registry of the demonstration's own, else on a simulated kernel."""
    say("resident executables")
    program = shutil.which("ls") or "/bin/ls"
    is_linux = sys.platform == "linux"  # a DragonFly's own list is the machine's: it is left alone
    with tempfile.TemporaryDirectory() as state:
        if is_linux:
            pydfly.use("linux", state_dir=state, euid=0)
        else:
            pydfly.use("sim:dragonfly")
        pydfly.resident.register(program, force=True)
        try:
            pydfly.resident.register(program, force=True)
        except FileExistsError as error:
            print(f"refused: {error}")
        else:
            sys.exit("demo: failed: a second registration was accepted")
        entries = pydfly.resident.entries()
        check([entry.id for entry in entries] == [1], f"the list: {entries}")
        check(pydfly.resident.unregister(1) == 1, "unregister says how many were removed")
        check(pydfly.resident.entries() == [], "the list is empty again")
    if is_linux and os.geteuid() == 0:
        with tempfile.TemporaryDirectory() as state:
            for words in (["-f", program], ["-l"], ["-f", "-d", program], ["-l"]):
                print(f"$ pydfly resident {' '.join(words)}", flush=True)
                done = subprocess.run([PYDFLY, "resident", *words], env={**os.environ, "PYDFLY_STATE_DIR": state})
                check(done.returncode == 0, f"exit status {done.returncode}")


def main() -> None:
    """Run every part."""
    with tempfile.TemporaryDirectory(prefix="pydfly-demo-") as name:
        folder = Path(name)
        for service, command, pid_file in daemons(folder):
            supervise(service, command, pid_file, folder)
        exit_statuses(folder)
    residency()
    say("pydfly doctor")
    check(subprocess.run([PYDFLY, "doctor"]).returncode == 0, "the doctor finds a backend that works")
    say("everything held")


if __name__ == "__main__":
    main()
