"""What is to be run, and how: the one thing that owner, guard and warden all know."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def variables(entries: list[bytes]) -> tuple[dict[bytes, bytes], list[bytes] | None]:
    """Return the entries of an environment as variables; and as they are, if some of them are lost in this.

    Lost are those without a name or without =, and all but the first of a name: getenv(3) finds that one.
    """
    env: dict[bytes, bytes] = {}
    for entry in entries:
        name, equals, value = entry.partition(b"=")
        if name and equals:
            env.setdefault(name, value)
    return env, None if len(env) == len(entries) else entries


class Launch:
    """One command to run under a warden.  Plain values only: it goes over the wire.

    Args:
        command: program and arguments.
        env: the environment; always told, as the helpers have none of the owner's.
        entries: the same where ``env`` cannot say all of it: every entry as it is, in order; else None.
        cwd: the directory to start in, relative to the owner's; None for the owner's.
        grace: seconds from the stop signal to SIGKILL.
        stop_signal: number of the signal that asks to end.
        kill_mode: which processes get that: ``mixed`` or ``everyone`` (ending.policy).
        wait_all: the domain goes on when the command has ended, until no process is left.
        timeout: seconds after which the ending begins.
        pdeathsig: the signal that the command gets when the warden dies; 0 for none.
        spare: the owner wants to be asked which processes to spare.
        user, group, extra_groups, umask, process_group, start_new_session: as ``subprocess.Popen`` has them.
        chroot: the directory that becomes its root, and where it starts; None for the owner's.
        is_job: it is in a process group of its own, but a job of the shell that started the owner: the warden stays in
            the session, as a group without a parent in its session cannot be stopped by the terminal.
        hand_listening: $LISTEN_PID is the owner's pid and becomes that of the command: sd_listen_fds(3).
        shell_script: a file that execve(2) takes for no program is a script for sh, as execvp(3) has it.
    """

    def __init__(
        self,
        command: list[bytes],
        *,
        env: dict[bytes, bytes],
        entries: list[bytes] | None = None,
        cwd: bytes | None = None,
        grace: float = 5.0,
        stop_signal: int = 15,
        kill_mode: str = "mixed",
        wait_all: bool = True,
        timeout: float | None = None,
        pdeathsig: int = 0,
        spare: bool = False,
        user: int | None = None,
        group: int | None = None,
        extra_groups: list[int] | None = None,
        umask: int = -1,
        process_group: int | None = None,
        start_new_session: bool = False,
        is_job: bool = False,
        hand_listening: bool = False,
        shell_script: bool = False,
        chroot: bytes | None = None,
    ) -> None:
        self.command = command
        self.env = env
        self.entries = entries
        self.cwd = cwd
        self.grace = grace
        self.stop_signal = stop_signal
        self.kill_mode = kill_mode
        self.wait_all = wait_all
        self.timeout = timeout
        self.pdeathsig = pdeathsig
        self.spare = spare
        self.user = user
        self.group = group
        self.extra_groups = extra_groups
        self.umask = umask
        self.process_group = process_group
        self.start_new_session = start_new_session
        self.is_job = is_job
        self.hand_listening = hand_listening
        self.shell_script = shell_script
        self.chroot = chroot

    def set_variable(self, name: bytes, value: bytes) -> None:
        """Give a variable of the environment a value."""
        self.env = {**self.env, name: value}
        if self.entries is not None:
            kept = [entry for entry in self.entries if not entry.startswith(name + b"=")]
            self.entries = [*kept, name + b"=" + value]

    def fields(self) -> dict[str, Any]:
        """Return what ``Launch(**fields)`` makes again."""
        return vars(self)
