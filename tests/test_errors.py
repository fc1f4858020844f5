"""Errors are OSErrors with the host's errno, of the classes that programs catch."""

from __future__ import annotations

import errno
import pickle

import pytest

from pydfly import errors

TWINS = [
    ("EPERM", PermissionError),
    ("EACCES", PermissionError),
    ("ENOENT", FileNotFoundError),
    ("EEXIST", FileExistsError),
    ("ESRCH", ProcessLookupError),
    ("ECHILD", ChildProcessError),
    ("EINVAL", OSError),
    ("EFAULT", OSError),
    ("EBUSY", OSError),
]


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_twins(name: str, twin: type[OSError]) -> None:
    """Each refusal is a SyscallError and the builtin of its errno."""
    error = errors.refusal("procctl", name)
    assert isinstance(error, errors.SyscallError)
    assert isinstance(error, twin)
    assert error.errno == getattr(errno, name)
    assert (error.syscall, error.errno_name) == ("procctl", name)
    assert error.reason
    assert name in str(error)


@pytest.mark.parametrize(
    ("operation", "name", "kind"),
    [
        ("PROC_REAP_ACQUIRE", "EALREADY", errors.AlreadyReaperError),
        ("PROC_REAP_ACQUIRE", "EBUSY", errors.AlreadyReaperError),
        ("PROC_REAP_RELEASE", "ENOTCONN", errors.NotReaperError),
        ("PROC_REAP_RELEASE", "EINVAL", errors.NotReaperError),
    ],
)
def test_portable_names(operation: str, name: str, kind: type[Exception]) -> None:
    """One name for what the flavours call differently; EALREADY is not BlockingIOError (K-6)."""
    error = errors.refusal("procctl", name, operation=operation)
    assert type(error) is kind
    assert not isinstance(error, BlockingIOError)


def test_errno_that_this_host_lacks() -> None:
    """K-5: ECAPMODE becomes EPERM, and keeps its name."""
    if hasattr(errno, "ECAPMODE"):
        assert errors.refusal("procctl", "ECAPMODE").errno == errno.ECAPMODE
    else:
        error = errors.refusal("procctl", "ECAPMODE")
        assert isinstance(error, PermissionError)
        assert (error.errno, error.errno_name) == (errno.EPERM, "ECAPMODE")


def test_pickle() -> None:
    """An error crosses a process boundary whole."""
    before = errors.refusal("procctl", "ESRCH", "why", result=(3, -1))
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is type(before)
    assert (after.errno, after.reason, after.result, str(after)) == (errno.ESRCH, "why", (3, -1), str(before))


def test_host_error() -> None:
    """What the host's kernel refused keeps its errno."""
    assert errors.refusal_of(OSError(errno.EFAULT, ""), "procctl").errno_name == "EFAULT"
