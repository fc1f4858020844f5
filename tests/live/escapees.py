"""Small programs that try to outlive their supervisor: ``python escapees.py KIND DESCRIPTOR [exit]``.

Each sets up its kind of descendant, writes one line to the descriptor, and then waits for ever, or exits at once.
Whatever it starts carries the environment variable that the test gave it, by which the test finds survivors.
Everything here is bounded in number and in time, in case it does escape.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable

LIFETIME = 60  # seconds after which every process here ends by itself
MOST = 4000  # processes that one program starts in all

KINDS: dict[str, Callable[[], None]] = {}


def kind(function: Callable[[], None]) -> Callable[[], None]:
    """Note a function as a kind of escapee."""
    KINDS[function.__name__] = function
    return function


def idle(seconds: float) -> None:
    """Do nothing for a while: no wait for anything, but what such a program is like."""
    end = time.monotonic() + seconds
    while (rest := end - time.monotonic()) > 0:
        signal.sigtimedwait((), rest)  # no signal ends it


def linger() -> None:
    """Do nothing until the end of the lifetime."""
    idle(LIFETIME)
    os._exit(0)


def ignore_term() -> None:
    """Be deaf to everything that can be ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


def child(*steps: Callable[[], object]) -> int:
    """Fork a child that takes the steps and lingers; come back when it has taken them."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        for step in steps:
            step()
        try:
            os.write(writing, b"!")
            os.close(writing)
        except OSError:
            pass  # a step has closed it, and the parent reads the end of the pipe
        linger()
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    return pid


def daemon(*steps: Callable[[], object]) -> None:
    """Fork twice, so that the parent of the lingering process is gone."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        child(*steps)
        os._exit(0)
    os.waitpid(pid, 0)


@kind
def plain() -> None:
    """A child."""
    child()


@kind
def deaf() -> None:
    """A child that ignores SIGTERM."""
    child(ignore_term)


@kind
def session() -> None:
    """A child in a session of its own."""
    child(os.setsid)


@kind
def deaf_session() -> None:
    """Both."""
    child(os.setsid, ignore_term)


@kind
def group() -> None:
    """A child in a process group of its own that ignores SIGTERM."""
    child(lambda: os.setpgid(0, 0), ignore_term)


@kind
def double_fork() -> None:
    """A daemon."""
    daemon()


@kind
def deaf_daemon() -> None:
    """A daemon that ignores SIGTERM."""
    daemon(ignore_term)


@kind
def late() -> None:
    """A child that answers SIGTERM with a new deaf session."""

    def answer(number: int, frame: object) -> None:
        child(os.setsid, ignore_term)
        os._exit(0)

    child(lambda: signal.signal(signal.SIGTERM, answer))


@kind
def stopped() -> None:
    """A child that is stopped."""
    pid = child()
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)


@kind
def deaf_and_stopped() -> None:
    """A deaf daemon that stops itself, and that no process continues."""
    acting_daemon(lambda: os.kill(os.getpid(), signal.SIGSTOP))


@kind
def hydra() -> None:
    """A daemon that is another process every millisecond."""

    def run() -> None:
        ignore_term()
        os.setsid()
        for _ in range(MOST):
            idle(0.001)
            if os.fork():
                os._exit(0)

    daemon_running(run)


@kind
def session_hydra() -> None:
    """The same, each in a session of its own."""

    def run() -> None:
        ignore_term()
        for _ in range(MOST):
            idle(0.001)
            if os.fork():
                os._exit(0)
            os.setsid()

    daemon_running(run)


@kind
def hot_hydra() -> None:
    """The same as fast as it can."""

    def run() -> None:
        ignore_term()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if os.fork():
                os._exit(0)

    daemon_running(run)


@kind
def storm() -> None:
    """Ten deaf daemons, each with a child that it replaces when it dies."""

    def run() -> None:
        ignore_term()
        for _ in range(MOST // 10):
            if os.fork() == 0:
                linger()
            os.wait()

    for _ in range(10):
        daemon_running(run)


@kind
def bomb() -> None:
    """Processes that fork until there are two hundred, and again when some die."""

    def run() -> None:
        ignore_term()
        for _ in range(20):
            if os.fork() == 0:
                for _ in range(10):
                    if os.fork() == 0:
                        linger()
                for _ in range(100):
                    os.wait()
                    if os.fork() == 0:
                        linger()
        for _ in range(100):
            os.wait()
            if os.fork() == 0:
                linger()

    daemon_running(run)


def daemon_running(run: Callable[[], None]) -> None:
    """Fork twice and let the grandchild run something and linger."""
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            try:
                run()
                linger()
            finally:
                os._exit(1)
        os._exit(0)
    os.waitpid(pid, 0)


@kind
def nested_reaper() -> None:
    """A reaper of its own, with deaf daemons below it."""

    def become_reaper() -> None:
        import ctypes

        library = ctypes.CDLL(None)
        if sys.platform.startswith("linux"):
            assert library.prctl(36, 1, 0, 0, 0) == 0
        else:
            acquire = 1 if sys.platform.startswith("dragonfly") else 2
            assert library.procctl(0, ctypes.c_int64(os.getpid()), acquire, None) == 0
        daemon(ignore_term)
        daemon(ignore_term, os.setsid)

    child(ignore_term, become_reaper)


@kind
def closes_everything() -> None:
    """A deaf daemon without any descriptor."""
    daemon(ignore_term, lambda: os.closerange(0, 256))


@kind
def fifty() -> None:
    """Fifty deaf daemons."""
    for _ in range(50):
        daemon(ignore_term)


@kind
def chain() -> None:
    """Thirty deaf processes, each the child of the one before, in sessions of their own."""

    def link(depth: int) -> Callable[[], None]:
        def step() -> None:
            if depth:
                child(os.setsid, ignore_term, link(depth - 1))

        return step

    child(link(30))


@kind
def many_threads() -> None:
    """A deaf daemon whose first thread has ended: its state is that of a zombie, and yet it runs."""
    has_ended, tell = os.pipe()

    def second_thread() -> None:
        while sys.platform == "linux" and not _is_zombie():  # no call waits for the end of the first thread
            os.sched_yield()
        os.write(tell, b"!")
        linger()

    def threads() -> None:
        import ctypes
        import threading

        threading.Thread(target=second_thread).start()
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.close(writing)
            os.read(reading, 1)
            linger()
        # leave the first thread only: the exit system call by number, which is not exit_group
        if os.uname().sysname == "Linux":
            ctypes.CDLL(None).syscall({"x86_64": 60}.get(os.uname().machine, 93), 0)

    daemon_running(lambda: (ignore_term(), threads())[0])
    os.read(has_ended, 1)


def _is_zombie() -> bool:
    """Whether the state of this process is that of a zombie, as /proc shows it."""
    with open("/proc/self/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0] == b"Z"


@kind
def traced() -> None:
    """A deaf child that its parent traces, stopped in a system call."""

    def trace() -> None:
        import ctypes

        libc = ctypes.CDLL(None)
        pid = os.fork()
        if pid == 0:
            libc.ptrace(0, 0, 0, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            linger()
        os.waitpid(pid, os.WUNTRACED)

    child(ignore_term, trace)


@kind
def waits_in_vfork() -> None:
    """A parent that waits in vfork for a child that neither executes nor exits."""
    if os.fork() == 0:
        os.setsid()
        os.posix_spawn("/bin/sh", ["sh", "-c", "trap '' TERM; sleep 60 & wait"], os.environ)
        linger()


@kind
def kills_its_parent() -> None:
    """A deaf daemon that sends SIGKILL to the process that adopted it."""

    def kill() -> None:
        if os.getppid() > 1:
            os.kill(os.getppid(), signal.SIGKILL)

    acting_daemon(kill)


@kind
def stops_its_parent() -> None:
    """A deaf daemon that sends SIGSTOP to the process that adopted it."""

    acting_daemon(lambda: os.kill(os.getppid(), signal.SIGSTOP))


def acting_daemon(act: Callable[[], None]) -> None:
    """Have a deaf daemon act as soon as another process has adopted it; come back when it is about to."""
    is_adopted, adopted = os.pipe()
    is_about_to, about_to = os.pipe()

    def run() -> None:
        ignore_term()
        os.read(is_adopted, 1)
        os.write(about_to, b"!")
        act()

    daemon_running(run)  # has collected the parent, so that the daemon has another one
    os.write(adopted, b"!")
    os.read(is_about_to, 1)


def when_announced(act: Callable[[], None]) -> None:
    """Have a child act as soon as the command has announced itself."""
    if os.fork() == 0:
        os.read(announced[0], 1)
        act()
        linger()


def stop_command(number: int) -> None:
    """Stop the command; one that is to exit by itself is continued, since else it may never get there."""
    with contextlib.suppress(ProcessLookupError):  # it has exited, and was waited for
        os.kill(main, number)
        if exits:
            os.kill(main, signal.SIGCONT)


@kind
def keeps_stopping_its_parent() -> None:
    """The same, again and again."""

    def stop() -> None:
        for _ in range(MOST):
            if os.getppid() > 1:
                os.kill(os.getppid(), signal.SIGSTOP)
            idle(0.002)

    acting_daemon(stop)


@kind
def stops_itself() -> None:
    """The command itself is stopped, and so is a deaf daemon of it."""
    acting_daemon(lambda: os.kill(os.getpid(), signal.SIGSTOP))
    when_announced(lambda: stop_command(signal.SIGSTOP))


@kind
def stops_like_a_job() -> None:
    """The command is stopped as a terminal would do it."""
    daemon(ignore_term)
    when_announced(lambda: stop_command(signal.SIGTSTP))


@kind
def kills_its_group() -> None:
    """Deaf daemons, and SIGKILL to the whole process group of the command, with all that is in it."""
    daemon(ignore_term)
    when_announced(lambda: os.killpg(0, signal.SIGKILL))


@kind
def siblings() -> None:
    """Children that have the command's own parent for theirs (CLONE_PARENT); on a BSD, its reaper (RFNOWAIT)."""

    def clone_parent() -> None:
        import ctypes

        library = ctypes.CDLL(None)
        if sys.platform == "linux":
            number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
            pid = library.syscall(number, 0x8000 | signal.SIGCHLD, 0, 0, 0, 0)
        else:
            pid = library.rfork(1 << 2 | 1 << 4 | 1 << 6)  # RFFDG | RFPROC | RFNOWAIT
        if pid == 0:
            os.setsid()
            ignore_term()
            linger()

    clone_parent()
    clone_parent()


@kind
def blocks_everything() -> None:
    """A daemon that blocks every signal there is."""
    daemon(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()))


@kind
def renamed() -> None:
    """Daemons whose names try to lead readers of /proc astray."""

    def rename(name: bytes) -> Callable[[], None]:
        def step() -> None:
            with contextlib.suppress(OSError), open("//proc/self/comm", "wb", buffering=0) as comm:
                comm.write(name)

        return step

    for name in (b") S 1 1 1 (", b"1 (x) Z 0", b"\n) Z 1\n", b"\xff\xfe) R", b" "):
        daemon(ignore_term, rename(name))


@kind
def user_namespace() -> None:
    """A deaf daemon in user and pid namespaces of its own."""

    def inside() -> None:
        import ctypes

        unshare = getattr(ctypes.CDLL(None), "unshare", None)  # Linux
        if unshare and unshare(0x30000000) == 0:
            child(ignore_term, lambda: daemon(ignore_term))

    child(ignore_term, inside)


@kind
def signals_its_parent() -> None:
    """A deaf daemon that sends every other signal to the process that adopted it."""

    def all_signals() -> None:
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            os.kill(os.getppid(), number)

    acting_daemon(all_signals)


@kind
def other_user() -> None:
    """A deaf daemon of another user (where this is root)."""
    daemon(ignore_term, lambda: os.setuid(65534) if os.getuid() == 0 else None)


@kind
def pid_namespace() -> None:
    """A deaf init of a pid namespace of its own, with daemons inside (where this is root)."""

    def inside() -> None:
        import ctypes

        unshare = getattr(ctypes.CDLL(None), "unshare", None)  # Linux
        if unshare and unshare(0x20000000) == 0:
            child(ignore_term, lambda: daemon(ignore_term))

    child(ignore_term, inside)


main = os.getpid()
announced = (-1, -1)  # a pipe with something in it when the command has announced itself
exits = sys.argv[3:] == ["exit"]
if __name__ == "__main__":
    announce = int(sys.argv[2])
    announced = os.pipe()
    KINDS[sys.argv[1]]()
    with contextlib.suppress(OSError):
        os.write(announce, b"ready\n")
    os.write(announced[1], b"!")
    if exits:
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    linger()
