"""Run a command so that nothing it starts can outlive its owner.

Between a caller and its command stand three processes::

    caller            holds the lifeline; nothing of it is changed: no signal handler, no wait for any child
      guard           has the relations to the terminal, and hands signals down
        deputy        stands by
          warden      owns the reaper domain: starts the command, collects the dead, ends the domain
            command   and whatever it starts, wherever that goes

Caller gone, or guard, or deputy: the warden sees it and ends the domain.  Warden gone: the deputy adopts the domain
and ends it, and after the deputy the guard.  So any two of the three may be killed at any moment, and the third ends
what is left.  ``pydfly run`` is its own guard.

The warden is in a session of its own, so no signal to a process group or from a terminal hits all; who is stopped
is continued by the one above.  What is left to fate:

- All three killed within a few milliseconds, be it from outside (``pkill -9 -f``) or by a command that kills every
  parent it gets.  On every system the orphans then go to the next reaper above and live on; with ``pdeathsig`` the
  command itself, but not what it started, dies with the warden.
- A process that refuses signals (another user's), or that hangs in the kernel: it is named, and ``stop()`` raises.
- What another service starts on request (a container, a job of cron): that is nobody's descendant here.  The same
  for a process that enters the pid namespace of others and forks there: its orphans go to the init of that one.

Joining a cgroup of its own would let the kernel end a domain at once (cgroup.kill), but costs every start 7 to 16 ms
and changes what the command sees; the sweep of ``ending.scan`` ends the fastest fork storms without it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import IO

    from ..structs import DescendantInfo
    from .owner import Supervised

    File = int | IO[bytes] | IO[str] | None


def supervise(
    command: Sequence[str | bytes],
    *,
    grace: float = 5.0,
    pdeathsig: int | None = None,
    spare: Callable[[DescendantInfo], object] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | bytes | None = None,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
    pass_fds: Iterable[int] = (),
) -> Supervised:
    """Run a command so that no descendant of it outlives ``stop()``, the ``with`` block, or the calling process.

    The command's own end ends nobody: a daemon that it left in the background is supervised on.  Returns at once;
    ``wait_started()`` tells whether the command could be executed.

    Args:
        command: program and arguments; a program without a slash is looked for in $PATH of ``env``.
        grace: seconds between SIGTERM and SIGKILL when the domain is ended; one grace for everybody.
        pdeathsig: the signal that the command gets at once when the warden dies; not needed for it to be ended.
        spare: decides at ``stop()``, in the calling process, who may live on: called with each process, and whom
            it is true for lives, with everything below it.  The next reaper above the caller adopts them.
        env: the environment; None for the caller's.
        cwd: the directory to start in; None for the caller's.
        stdin, stdout, stderr: None for the caller's, a descriptor, a file, ``subprocess.DEVNULL``, or
            ``subprocess.PIPE`` (the other end is then an attribute of the handle,
            closed with the block).  ``subprocess.STDOUT`` for stderr.
        pass_fds: descriptors that the command gets; all others are closed in it.

    Raises:
        BackendError: the backend in force has no real processes, or this system has no reapers.
        OSError: the guard could not be started.
        TypeError, ValueError: an argument that cannot be meant.
    """
    from . import prepare
    from .handle import collect_unwaited
    from .owner import Supervised

    collect_unwaited()
    files = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
    return prepare.supervise(Supervised, command, grace, pdeathsig, spare, env, cwd, files, pass_fds)
