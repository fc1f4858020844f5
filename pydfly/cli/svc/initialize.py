"""``init``: checks, files, and the fork of the daemon."""

from __future__ import annotations

import os
import sys

from ...escape import escape
from ...supervisor.launch import Launch
from ..inherited import check_backend, environment
from . import files
from .grammar import GRACE
from .request import Request

_LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@+.-")  # of a label: it names files


class _RefusedError(Exception):
    pass


def init(request: Request) -> int:
    """Make a service, and come back when its command was executed; with -f, when its daemon ends."""
    if request.label is None or not request.arguments:
        print("init requires a label and command")
        return 1
    check_backend()
    label = request.label
    print(f"initializing new service: {escape(label)}", flush=True)
    try:
        _check(request, label)
        launch = _launch(request)
        directory = _directory(request)
        made = files.Files(directory, label) if directory is not None else None
        if request.foreground or made is None or directory is None:
            return _in_foreground(request, launch, made)
        return _detached(request, launch, made, directory)
    except _RefusedError as refused:
        print(f"Cannot init, {escape(str(refused))}")
    except files.Active:
        print(f"Cannot init, {label} is already active")
    except OSError as error:
        print(f'Cannot init, unable to create "{label}": {error.strerror or error}')
    return 1


def _check(request: Request, label: str) -> None:
    """Refuse what could not work, before anything is made."""
    if not label or label[0] in ".-" or not set(label) <= _LETTERS:
        raise _RefusedError(f'"{label}" is no label: letters, digits and . _ @ + - are, with no . or - first')
    if request.jail == "-m":
        raise _RefusedError("-m: pydfly mounts no file systems; mount dev before")
    if request.jail:
        raise _RefusedError(f"{request.jail}: pydfly makes no jails; give a command that does, as jail(8)")
    if request.directory == files.NOWHERE and not (request.foreground and request.exit_with_service):
        raise _RefusedError("-p none: only with -f and -x")
    if request.ready == "notify":
        from ...supervisor.services.notify_socket import AVAILABLE

        if not AVAILABLE:
            raise _RefusedError("--ready notify: this system does not tell the sender of a message; use a descriptor")
    if request.root is not None and not os.path.isdir(request.root):
        raise _RefusedError(f"-c {request.root}: no such directory")
    if os.geteuid() != 0:
        _check_powers(request)


def _check_powers(request: Request) -> None:
    """Only root may change ids and roots; asking for the present ones is allowed."""
    mine = {os.getegid(), *os.getgroups()}
    if request.root is not None:
        raise _RefusedError("-c: only root may change the root directory")
    if request.user is not None and request.user.pw_uid != os.geteuid():
        raise _RefusedError(f"-u {request.user.pw_name}: only root may run a command as another user")
    if request.group is not None and request.group not in mine:
        raise _RefusedError(f"-g {request.group}: only root may use a group that it is not in")
    if request.groups is not None:
        raise _RefusedError("-G: only root may set groups")


def _launch(request: Request) -> Launch:
    user, group, groups = request.user, request.group, request.groups
    if group is None:
        group = groups[0] if groups else user.pw_gid if user else None
    if user is not None and groups is None and group is not None:
        groups = os.getgrouplist(user.pw_name, group)
    if os.geteuid() != 0:
        groups = None
    env, entries = environment()
    return Launch(
        [os.fsencode(word) for word in request.arguments],
        env=env,
        entries=entries,
        grace=GRACE if request.grace is None else request.grace,
        stop_signal=request.stop_signal,
        kill_mode=request.kill_mode,
        user=None if user is None else user.pw_uid,
        group=group,
        extra_groups=groups,
        chroot=None if request.root is None else os.fsencode(request.root),
        start_new_session=True,
    )


def _directory(request: Request) -> str | None:
    """Return where the files go; None for nowhere."""
    if request.directory == files.NOWHERE:
        return None
    if request.directory is not None:
        return request.directory
    directory = files.default_directory()
    if directory != files.SYSTEM:
        files.make_directory(directory)
    return directory


def _in_foreground(request: Request, launch: Launch, made: files.Files | None) -> int:
    from .daemon import Daemon

    failures: list[str] = []
    if made:
        made.write_pid(os.getpid())
    try:
        Daemon(request, launch, made, failures.append).run()
    except OSError as error:
        failures = [_reason(error)]
    if failures and failures[0]:
        if made:
            made.remove()
        _complain(failures[0])
        return 1
    return 0


def _detached(request: Request, launch: Launch, made: files.Files, directory: str) -> int:
    """Fork the daemon, and wait until it has left the terminal and its command was executed."""
    told, tell = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _become_daemon(request, launch, made, tell)
    os.close(tell)
    made.close()
    with open(told, "rb") as pipe:
        word = pipe.read()
    if word == b"+":
        print(pid)
        return 0
    os.waitpid(pid, 0)
    assert request.label
    if not word:
        files.remove_stale(directory, request.label)
    _complain(os.fsdecode(word[1:]) if word else "the daemon was killed")
    return 1


def _become_daemon(request: Request, launch: Launch, made: files.Files, tell: int) -> None:
    """Be the daemon in a process of its own; never returns."""
    from .daemon import Daemon

    told = False

    def report(reason: str) -> None:
        nonlocal told
        if not told:
            os.write(tell, b"-" + os.fsencode(reason) if reason else b"+")
            os.close(tell)
        told = True

    status = 1
    try:
        os.setsid()
        made.write_pid(os.getpid())
        Daemon(request, launch, made, report, (tell,)).run()
        status = 0
    except Exception as error:
        made.remove()
        report(_reason(error))
    finally:
        os._exit(status)


def _complain(reason: str) -> None:
    print(f"Cannot init, unable to start: {escape(reason)}")


def _reason(error: Exception) -> str:
    if not isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    text = error.strerror or str(error)
    return f"{os.fsdecode(error.filename)}: {text}" if error.filename else text
