"""What a first run on real kernels showed, undone one by one; see ``tests.mutations``.  Files are named from the root."""

from __future__ import annotations

from ..mutations import Mutation

DOMAIN = "pydfly/supervisor/keepers/own_process.py"
DEATHSIG = "pydfly/backends/linux/deathsig.py"
FOREGROUND = "pydfly/supervisor/foreground/foreground.py"
DEPUTY = "pydfly/supervisor/keepers/deputy.py"
MAILBOX = "pydfly/supervisor/keepers/mailbox.py"
NATIVE = "pydfly/backends/native/backend.py"
PROCESSES = "pydfly/backends/native/processes.py"
WARDEN = "pydfly/supervisor/keepers/warden.py"
WAITING = "pydfly/backends/waiting.py"

FAREWELL = '        """Report, however long the owner takes to read it; but not to an owner that is gone."""\n'
CONTINUE = "os.kill(os.getppid(), _signal.SIGCONT)"

MUTATIONS = [
    Mutation("1 get_native_id", DEATHSIG, "import _thread\n", "import _thread\nfrom _thread import get_native_id\n"),
    Mutation("1 pidfd_open", PROCESSES, "        os.kill(target.pid, signal)", "        os.close(os.pidfd_open(target.pid))\n        os.kill(target.pid, signal)"),
    Mutation("2 the warden signals its deputy", WARDEN, FAREWELL, f"{FAREWELL}        {CONTINUE}\n"),
    Mutation("2 the deputy signals the guard", DEPUTY, "            if self._is_over():\n", f"            if self._is_over():\n                {CONTINUE}\n"),
    Mutation("2 news of a stop by signal", WARDEN, FAREWELL, f"{FAREWELL}        os.killpg(os.getpgid(os.getppid()), _signal.SIGURG)\n"),
    Mutation("3 no look at zombies", MAILBOX, "LOOK = 5.0 if", 'LOOK = float("inf") if'),
    Mutation("3 a look too often", MAILBOX, "LOOK = 5.0 if", "LOOK = 0.5 if"),
    Mutation("3 no system sends SIGCHLD", MAILBOX, "LOOK = 5.0 if _IS_DRAGONFLY", 'LOOK = 5.0 if sys.platform != "linux"'),
    Mutation("4 close(2) one by one", DOMAIN, "bsd_helper_calls.close_from(max((2, *needed)) + 1)", 'os.closerange(max((2, *needed)) + 1, os.sysconf("SC_OPEN_MAX"))'),
    Mutation("5 the guard's refusal first", NATIVE, "return failed not in (errno.EPERM, errno.ENOSYS)", "return True"),
    Mutation("6 short files", "pydfly/resident/elf.py", "if len(start) < HEADER_BYTES or start[:4] != MAGIC:", "if start[:4] != MAGIC:"),
    Mutation("7 forks are unknown", "pydfly/backends/forked_children.py", "        _unwritten[cell] = Span(since, until)\n", "        pass\n"),
    Mutation("8 CMSG_LEN", "pydfly/conformance/channel.py", "socket.CMSG_SPACE(numbers.itemsize)", "socket.CMSG_LEN(numbers.itemsize)"),
    Mutation("9 one kind of children", WAITING, 'if sys.platform.startswith(("freebsd", "dragonfly"))', "if False"),
    Mutation("9 only the other kind", WAITING, "KINDS = (0, LINUX_CLONE)", "KINDS = (LINUX_CLONE,)"),
    Mutation("10 debuggers", DOMAIN, "            bsd_helper_calls.refuse_debuggers()\n", "            pass\n"),
    Mutation("default actions", MAILBOX, '"SIGINFO", "SIGTSTP", "SIGTTIN", "SIGTTOU")', '"SIGINFO")'),
    Mutation("a key of the BSDs", MAILBOX, '"SIGURG", "SIGINFO",', '"SIGURG",'),
    Mutation("a sender that is not told", MAILBOX, "TELLS_SENDER = not _IS_DRAGONFLY", "TELLS_SENDER = True"),
    Mutation("keys without a sender", FOREGROUND, "(is_key and not mailbox.TELLS_SENDER)", "False"),
    Mutation("what a key does", FOREGROUND, "elif self._job.terminal.sends(number) and not mailbox.TELLS_SENDER:", "elif False:"),
    Mutation("inherited precedence", DOMAIN, "    if will_fork and not reset:\n", "    if False:\n"),
    Mutation("the family of a socket", "pydfly/supervisor/helper_socket.py", "_socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, descriptor)", "_socket.socket(fileno=descriptor)"),
    Mutation("the last words of a helper", "pydfly/supervisor/helper_socket.py", "            if error.errno != errno.ENOTCONN:\n", "            if True:\n"),
    Mutation("the end of a connection", "pydfly/supervisor/owner_socket.py", "look.register(self.fileno(), select.POLLOUT)", "look.register(self.fileno(), 0)"),
    Mutation("10 a dead reaper's zombie", "pydfly/conformance/live.py", "listed = self._processes.everyone() if self._kernel_lists else ()", "listed: Any = ()"),
]  # fmt: skip
"""Items 1 to 10 of what was found, what was read in the kernels' sources since, and what undoes each."""
