"""reaper.reap() takes no exit status that belongs to the program, however the child was made and whatever the load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import live_only
from tests.live.arena import ROOT

pytestmark = live_only
RUNS = int(os.environ.get("PYDFLY_THEFT_RUNS", "60"))
LINES = int(os.environ.get("PYDFLY_THEFT_LINES", "4"))

PROGRAM = r'''
import asyncio, concurrent.futures, multiprocessing, os, pty, signal, subprocess, sys, threading, time
from os import posix_spawn as by_name, system as system_by_name
import pydfly
from pydfly import reaper

SH = ["/bin/sh", "-c", "exit 7"]

def status_of(pid):
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return "stolen"

def fork():
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    time.sleep(0.001)
    return status_of(pid)

def fork_that_leaves_an_orphan():
    """The child's own orphan is younger than the child."""
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            os._exit(9)
        os._exit(7)
    time.sleep(0.001)
    return status_of(pid)

def forkpty():
    pid, terminal = pty.fork()
    if pid == 0:
        os._exit(7)
    status = status_of(pid)
    os.close(terminal)
    return status

def system():
    return os.waitstatus_to_exitcode(os.system("exit 7"))

def system_imported_by_name():
    return os.waitstatus_to_exitcode(system_by_name("exit 7"))

def posix_spawn():
    pid = os.posix_spawn(SH[0], SH, os.environ)
    time.sleep(0.003)
    return status_of(pid)

def posix_spawnp():
    return status_of(os.posix_spawnp("sh", SH, os.environ))

def spawn_imported_by_name():
    pid = by_name(SH[0], SH, os.environ)
    time.sleep(0.003)
    return status_of(pid)

def popen():
    return os.waitstatus_to_exitcode(os.popen("exit 7").close())

def run():
    return subprocess.run(SH).returncode

def run_with_preexec_fn():
    return subprocess.run(SH, preexec_fn=lambda: None).returncode

def process(method):
    child = multiprocessing.get_context(method).Process(target=sys.exit, args=(7,))
    child.start()
    child.join()
    return child.exitcode

def mp_fork(): return process("fork")
def mp_spawn(): return process("spawn")
def mp_forkserver(): return process("forkserver")

def asyncio_exec():
    async def main():
        return await (await asyncio.create_subprocess_exec(*SH)).wait()
    return asyncio.run(main())

def storm(lines):
    """Orphans all the time: some that never execute, some that do, some that are daemons by the book."""
    pids = []
    for line in range(lines):
        pid = os.fork()
        if pid == 0:
            while True:
                if line % 3 == 2:
                    subprocess.run(["sh", "-c", "(sleep 0.01 &) ; setsid sh -c 'exit 9' &"])
                    continue
                middle = os.fork()
                if middle == 0:
                    if line % 3 == 1:
                        os.setsid()
                    if os.fork() == 0:
                        time.sleep(0.002 * (line % 2))
                        os._exit(9)
                    os._exit(0)
                os.waitpid(middle, 0)
                time.sleep(0.001)
        pids.append(pid)
    return pids

def main(kind, runs, lines):
    reaper.acquire()
    stormy = storm(lines)
    over, taken = threading.Event(), []
    def reap():
        while not over.is_set():
            taken.extend(reaper.reap())
    thread = threading.Thread(target=reap)
    thread.start()
    try:
        wrong = [status for status in (globals()[kind]() for _ in range(runs)) if status != 7]
    finally:
        over.set()
        thread.join()
        for pid in stormy:
            os.kill(pid, signal.SIGKILL)
    statuses = [status_of(pid) for pid in stormy]
    report = reaper.kill_all(grace=0.5)
    taken += report.reaped
    for name in ("resource_tracker", "forkserver"):
        module = sys.modules.get("multiprocessing." + name)
        stop = module and getattr(module, "_" + name)._stop
        if stop:
            stop()
    doubtful = kind == "spawn_imported_by_name"  # whatever is born during such a call stays a zombie
    left = [process for process in reaper.descendants() if not doubtful or process.state != "zombie"]
    alive = [pid for pid in stormy if pid in {one.pid for one in taken}]
    print(wrong, statuses == [-9] * lines, doubtful or len(taken) > 0, alive, report.survivors, left)

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
'''
SLOW = ("mp_spawn", "mp_forkserver")
KINDS = [
    "fork",
    "fork_that_leaves_an_orphan",
    "forkpty",
    "system",
    "system_imported_by_name",
    "posix_spawn",
    "posix_spawnp",
    "spawn_imported_by_name",
    "popen",
    "run",
    "run_with_preexec_fn",
    "mp_fork",
    *SLOW,
    "asyncio_exec",
]


@pytest.mark.parametrize("kind", KINDS)
def test_no_status_is_stolen_and_no_orphan_left(kind: str, tmp_path: Path) -> None:
    """Children of each kind beside chains of orphans and a thread that reaps as fast as it can."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    runs = RUNS // 12 if kind in SLOW else RUNS
    words = [sys.executable, "-W", "ignore", str(program), kind, str(runs), str(LINES)]
    result = subprocess.run(
        words,
        capture_output=True,
        text=True,
        timeout=(60 + RUNS) * (1 if sys.platform == "linux" else 10),
        env=os.environ | {"PYTHONPATH": ROOT},
    )
    assert (result.stderr, result.stdout) == ("", "[] True True [] [] []\n")
