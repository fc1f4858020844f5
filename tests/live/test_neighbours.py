"""While a domain is supervised, the caller's other children keep their true exit statuses."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import pydfly
from tests.conftest import live_only
from tests.live.arena import ROOT

pytestmark = live_only
RUNS = int(os.environ.get("PYDFLY_NEIGHBOUR_RUNS", "1000"))
BUSY = ["sh", "-c", "while :; do setsid sh -c 'exit 9' & sleep 0.002; done"]  # orphans all the time


def answer(number: int) -> int:
    return number * number


def test_every_owner_gets_its_own_status() -> None:
    """subprocess, a multiprocessing pool and asyncio at once, next to a domain full of dying orphans."""
    wrong: list[object] = []

    def run_many(offset: int) -> None:
        for number in range(offset, RUNS, 2):
            status = subprocess.run(["sh", "-c", f"exit {number % 200}"]).returncode
            if status != number % 200:
                wrong.append((number, status))

    async def run_async() -> list[int | None]:
        async def one(number: int) -> int | None:
            process = await asyncio.create_subprocess_exec("sh", "-c", f"exit {number}")
            return await process.wait()

        return [
            status for start in range(0, 60, 10) for status in await asyncio.gather(*map(one, range(start, start + 10)))
        ]

    with pydfly.supervise(BUSY, grace=0.2) as service:
        service.wait_started()
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            threads = [threading.Thread(target=run_many, args=(offset,)) for offset in (0, 1)]
            for thread in threads:
                thread.start()
            assert asyncio.run(run_async()) == list(range(60))
            assert pool.map(answer, range(50)) == [number * number for number in range(50)]
            for thread in threads:
                thread.join()
        assert wrong == []
        assert service.exit_status is None


REAPER = f"""
import asyncio, os, subprocess, sys, threading, multiprocessing
import pydfly

def work(number):
    sys.exit(number)

def main():
    pydfly.reaper.acquire()
    over = threading.Event()
    orphans = []
    def reap():
        while not over.is_set():
            orphans.extend(pydfly.reaper.reap())
    reaper = threading.Thread(target=reap)
    reaper.start()
    for number in range({RUNS // 10}):
        status = subprocess.run(["sh", "-c", f"(setsid sh -c 'exit 9' &); exit {{number % 200}}"]).returncode
        assert status == number % 200, (number, status)
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        processes = [context.Process(target=work, args=(number,)) for number in range(5)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == list(range(5)), method
    for number in range(20):
        pid = os.fork()
        if pid == 0:
            os._exit(number)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == number
    async def run():
        process = await asyncio.create_subprocess_exec("sh", "-c", "exit 7")
        return await process.wait()
    for _ in range(20):
        assert asyncio.run(run()) == 7
    with pydfly.supervise(["sh", "-c", "exit 4"]) as service:
        assert service.wait() == 4
    over.set()
    reaper.join()
    report = pydfly.reaper.kill_all(grace=1.0)
    orphans += report.reaped
    assert report.survivors == []
    left = pydfly.reaper.descendants()
    from multiprocessing.resource_tracker import _resource_tracker
    left = [process for process in left if process.pid != _resource_tracker._pid]
    print(len(orphans) > 0, {{os.waitstatus_to_exitcode(orphan.status) for orphan in orphans}}, left)

if __name__ == "__main__":
    main()
"""


def test_a_child_with_a_status_is_never_taken_by_reap(tmp_path: Path) -> None:
    """In a process that is itself a reaper, and reaps as fast as it can."""
    program = tmp_path / "program.py"
    program.write_text(REAPER)
    environment = os.environ | {"PYTHONPATH": ROOT}
    words = [sys.executable, "-W", "error", str(program)]
    result = subprocess.run(words, capture_output=True, text=True, timeout=300, env=environment)
    assert result.stderr == ""
    assert result.stdout == "True {9} []\n"
