"""What the kernel keeps for the process is kept once, whichever backend object, flavour or thread asks."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

import pydfly
from pydfly import backends, pdeathsig, reaper
from pydfly.backends import environment
from pydfly.backends.linux import prctl
from tests.conftest import linux_only
from tests.processes import in_process

pytestmark = linux_only


def test_many_backends_leave_one_hook() -> None:
    """A fork costs no more after 3,000 calls of use() than after one."""
    code = (
        "import os, sys; hooks = []\n"
        "os.register_at_fork = lambda **which: hooks.append(which)\n"
        "import pydfly\n"
        "for _ in range(1500):\n"
        "    pydfly.use('linux'); pydfly.reaper.status()\n"
        "    pydfly.use('linux:freebsd'); pydfly.reaper.status()\n"
        "print(len([which for which in hooks if 'pydfly' in str(which)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


@pytest.mark.parametrize("flavours", [("linux", None), ("linux:freebsd", "linux"), ("linux", "linux:freebsd")])
def test_children_from_before_are_spared_by_every_backend_object(flavours: tuple[str, str | None]) -> None:
    """A domain acquired inside a block of one backend is ended outside it with another."""

    def script() -> object:
        before = subprocess.Popen(["sleep", "60"])
        with pydfly.use(flavours[0]):
            reaper.acquire()
        pydfly.use(flavours[1])
        member = subprocess.Popen(["sleep", "60"])
        listed = [process.pid for process in reaper.descendants()]
        report = reaper.kill_all(grace=5.0)
        answer = (before.poll(), listed == [member.pid], [process.pid == member.pid for process in report.ended])
        before.kill()
        before.wait()
        member.wait()
        return answer

    assert in_process(script) == (None, True, [True])


def test_one_parent_death_signal_for_all_backends_and_threads() -> None:
    """Set through one object in one thread, seen through every other in every other."""

    def everywhere() -> set[int]:
        told: set[int] = set()
        for name in ("linux", "linux:freebsd"):
            pydfly.use(name)
            told.add(pdeathsig.get())
            thread = threading.Thread(target=lambda: told.add(pdeathsig.get()))
            thread.start()
            thread.join()
        return told

    def script() -> object:
        pdeathsig.set(signal.SIGTERM)
        in_main = everywhere()
        pdeathsig.clear()
        pydfly.use("linux")
        thread = threading.Thread(target=pdeathsig.set, args=(signal.SIGHUP,))
        thread.start()
        thread.join()
        return in_main, everywhere()

    assert in_process(script) == ({signal.SIGTERM}, {signal.SIGHUP})


def test_a_signal_from_before_exec_is_seen_by_every_thread(tmp_path: Path) -> None:
    """It is the main thread's own, which no other thread can read, or take back."""
    program = tmp_path / "program.py"
    program.write_text(
        "import threading, pydfly\n"
        "told = [pydfly.pdeathsig.get()]\n"
        "def other():\n"
        "    told.append(pydfly.pdeathsig.get())\n"
        "    try:\n"
        "        pydfly.pdeathsig.set(1)\n"
        "    except OSError as error:\n"
        "        told.append(error.errno_name)\n"
        "thread = threading.Thread(target=other); thread.start(); thread.join(); print(told)\n"
    )
    child = pdeathsig.popen([sys.executable, str(program)], signal.SIGUSR1, stdout=subprocess.PIPE, text=True)
    assert child.communicate()[0] == f"[{int(signal.SIGUSR1)}, {int(signal.SIGUSR1)}, 'EBUSY']\n"


def test_two_threads_at_once_start_one_helper() -> None:
    def script() -> object:
        threads = [threading.Thread(target=pdeathsig.set, args=(number,)) for number in (1, 2, 3, 4) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(thread.name == "pydfly-pdeathsig" for thread in threading.enumerate())

    assert in_process(script) == 1


def test_a_child_that_a_worker_thread_forked() -> None:
    """Its only thread is its main thread, whichever it was in the parent: what the kernel keeps is asked of it."""

    def in_child() -> object:
        pdeathsig.set(signal.SIGUSR1)
        prctl.prctl(prctl.PR_SET_PDEATHSIG, 0)  # as setuid() does
        return pdeathsig.get(), threading.active_count()

    def script() -> object:
        pdeathsig.set(signal.SIGTERM)  # of the main thread, which the child does not have
        told: list[object] = []
        thread = threading.Thread(target=lambda: told.append(in_process(in_child)))
        thread.start()
        thread.join()
        return told

    assert in_process(script) == [(0, 1)]


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_child_that_a_c_library_forked(in_thread: bool, tmp_path: Path) -> None:
    """No hook of Python's runs in it, and yet its only thread is its main thread."""
    program = tmp_path / "program.py"
    program.write_text(
        "import ctypes, os, signal, sys, threading\n"
        "from pydfly import pdeathsig\n"
        "def fork():\n"
        "    pid = ctypes.PyDLL(None).fork()\n"
        "    if pid == 0:\n"
        "        signal.alarm(30)\n"
        "        try:\n"
        "            before = pdeathsig.get(); pdeathsig.set(signal.SIGTERM)\n"
        "            os.write(1, b'%d %d\\n' % (before, pdeathsig.get()))\n"
        "        finally:\n"
        "            os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "pdeathsig.set(signal.SIGUSR1)\n"
        "sys.setswitchinterval(600)\n"  # a copy of a thread that another one has asked for the GIL would wait for that
        "if len(sys.argv) > 1:\n"
        "    thread = threading.Thread(target=fork); thread.start(); thread.join()\n"
        "else: fork()\n"
    )
    command = [sys.executable, str(program), *["thread"] * in_thread]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == f"0 {int(signal.SIGTERM)}\n", done.stderr


def test_backend_reports_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the choice, and not what was chosen."""
    assert pydfly.backend().name == "linux"
    assert backends._current is None
    chosen = backends.current()
    monkeypatch.setenv("PYDFLY_BACKEND", "sim")
    told = pydfly.backend()
    assert (told.name, told.live) == ("linux", True)
    assert told.why.startswith("it was chosen at the first call, before $PYDFLY_BACKEND was changed")
    assert backends.current() is chosen


def test_a_set_id_program_trusts_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDFLY_BACKEND", "sim")
    assert environment.variable("PYDFLY_BACKEND") == "sim"
    monkeypatch.setattr(environment, "_secure", True)
    assert environment.variable("PYDFLY_BACKEND") is None


def test_both_ways_to_ask_the_kernel_agree() -> None:
    assert environment._auxiliary_secure() == environment._getauxval() == False  # noqa: E712


def _runs_for_others(python: str) -> bool:
    try:
        return (
            subprocess.run([python, "-I", "-c", "pass"], capture_output=True, user=65534, group=65534).returncode == 0
        )
    except OSError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give capabilities to a file")
def test_file_capabilities_count_as_set_id() -> None:
    """A python with cap_net_raw has equal ids, and yet rights that its caller does not have."""
    public = next(filter(_runs_for_others, (sys.executable, "/usr/bin/python3")), None)
    if public is None:
        pytest.skip("no Python here can be run by another user (Debian: apt-get install python3)")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        python = shutil.copy(Path(public).resolve(), folder)
        shutil.copy(environment.__file__, folder)
        # struct vfs_cap_data of linux/capability.h: revision 2, effective; permitted, inheritable; twice 32 bits
        capability = struct.pack("<5I", 0x02000000 | 1, 1 << 13, 0, 0, 0)
        try:
            os.setxattr(python, "security.capability", capability)
        except OSError as error:
            pytest.skip(f"this file system keeps no capabilities: {error}")
        code = f"import sys; sys.path[:0] = [{folder!r}]; import environment; print(environment.variable('WORD'))"
        ask = [public, "-I", "-c", "import sys; print(sys.base_prefix)"]
        prefix = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        variables = {"WORD": "word", "PYTHONHOME": prefix, "LD_LIBRARY_PATH": f"{prefix}/lib"}
        words = [python, "-S", "-c", code]
        done = subprocess.run(words, env=variables, capture_output=True, text=True, user=65534, group=65534)
    assert done.stdout == "None\n", done.stderr
