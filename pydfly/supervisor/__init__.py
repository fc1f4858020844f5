"""Run a command so that nothing it starts can outlive its owner.

Between an owner and its commands stand three kinds of helper::

    owner             holds the control socket, and one line (a socket) for each domain; nothing else of it is changed
      guard           started by exec, once; hands domains down, keeps services; ``pydfly run`` is its own guard
        deputy        forks a warden for each domain; ends the domain of a warden that was killed
          warden      owns one reaper domain: starts the command, collects the dead, ends the domain, reports
            command   and whatever it starts, wherever that goes

When the owner, the guard or the deputy is gone, each warden sees it and ends its domain.  When a warden is gone, the
deputy adopts its domain and ends it; without a deputy the guard does.  So killing any two of the three leaves one that
ends everything, and says what is left.

Three rules keep an error of a helper from becoming an escape:

- What an ending may need is imported, opened and tried before the command starts: the modules, a descriptor of /proc,
  and the kernel's list of the helper's own children, which is read again with pread(2).
- The last resort needs nothing else.  A child that was not collected keeps its pid, so killing and waiting for the
  pids of that list until wait says ECHILD reaches everything: orphans become children here when their parents die.
  Any exception in a helper leads there (``ending.last_resort.kill_until_gone``).
- News go upwards by socket or exit, never by kill(2), which DragonFly forbids; signals go downwards only.

A warden is in a session of its own, so no signal to a process group or from a terminal hits all.  A stopped helper is
continued by the one above it, and by the kernel when that one dies; the topmost one by the owner, or by the one below.
Not covered are:

- The owner is dead, and every living helper is stopped: nothing happens until one of them gets SIGCONT.
- All three are killed within a few milliseconds, from outside (``pkill -9 -f``) or by a command that kills every
  parent it gets.  On every system the orphans then go to the next reaper above and live on; with ``pdeathsig`` the
  command itself, but not what it started, dies with the warden.
- A process that refuses signals (another user's), or that hangs in the kernel: it is named, and ``stop()`` raises.
- What another service starts on request (a container, a job of cron) is no descendant here.  A process that enters
  another pid namespace and forks there: its orphans go to the init of that namespace.

Joining a cgroup of its own would let the kernel end a domain at once (cgroup.kill), but costs every start 7 to 16 ms
and changes what the command sees; ``ending.warden_domain`` says how the fastest fork storms are ended without it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .arguments import File, KillMode, Spare, Word
    from .supervised import Supervised


def supervise(
    command: Iterable[Word],
    *,
    grace: float = 5.0,
    stop_signal: int = 15,
    kill_mode: KillMode = "mixed",
    timeout: float | None = None,
    wait_all: bool = True,
    pdeathsig: int | None = None,
    spare: Spare | None = None,
    env: Mapping[str, str] | Mapping[bytes, bytes] | None = None,
    cwd: Word | None = None,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
    pass_fds: Iterable[int] = (),
    user: str | int | None = None,
    group: str | int | None = None,
    extra_groups: Iterable[str | int] | None = None,
    umask: int = -1,
    process_group: int | None = None,
    start_new_session: bool = False,
    interpreter: Word | None = None,
) -> Supervised:
    """Run a command so that no descendant of it outlives ``stop()``, the ``with`` block, or the calling process.

    The command's own end ends nothing else: a daemon that it left in the background stays supervised.  Returns at
    once; ``wait_started()`` tells whether the command could be executed.

    Args:
        command: program and arguments; a program without a slash is looked for in $PATH of ``env``.
        grace: seconds between the stop signal and SIGKILL when the domain is ended; one grace for all of it.
        stop_signal: the signal that asks to end; SIGTERM.
        kill_mode: ``mixed``: it goes to the command or, when that has ended, to processes that have no living parent
            in the domain, and to the children that one of these leaves.  ``everyone``: it goes to all at once.
        timeout: seconds after which the ending begins; None for no such limit.
        wait_all: False if the ending is to begin when the command has ended.
        pdeathsig: the signal that the command gets at once when the warden dies; not needed for it to be ended.
        spare: called at ``stop()``, in the calling process, with each process.  Where it returns true, that process
            and everything below it live on; the next reaper above the caller adopts them.
        env: the environment; None for the caller's.
        cwd: the directory to start in; None for the caller's.
        stdin: what the command reads: None for the caller's, a descriptor, a file, ``subprocess.DEVNULL``, or
            ``subprocess.PIPE`` (the other end is then an attribute of the handle, closed with the block).
        stdout: where it writes; likewise.
        stderr: where it writes errors; likewise, or ``subprocess.STDOUT``.
        pass_fds: descriptors that the command gets; all others are closed in it.
        user: name or number of the user that the command runs as; None for the caller's.
        group: name or number of its group; None for the caller's.
        extra_groups: names or numbers of its further groups; None for the caller's.
        umask: the umask of the command; -1 for the caller's.
        process_group: the group that the command joins; 0 for one of its own, None for the caller's.
        start_new_session: whether the command calls setsid(2).
        interpreter: the Python that the helpers run, where the calling program is none itself: a frozen application,
            or one that embeds Python.

    Raises:
        BackendError: the backend in force has no real processes; or ``interpreter`` must be named.
        OSError: the guard could not be started, or a descriptor is none (EBADF), or there are too many (EMFILE).
        TypeError, ValueError, OverflowError: an invalid argument, as ``subprocess.Popen`` has it.
        KeyError: no such user or group.
    """
    arguments: dict[str, Any] = dict(locals())
    from . import domains, supervised

    return domains.start_alone(supervised.Supervised, arguments.pop("command"), arguments.pop("interpreter"), arguments)
