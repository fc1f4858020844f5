"""Where the files of services are when -p does not say."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydfly.cli.svc import files
from tests.conftest import linux_only
from tests.processes import in_process

pytestmark = linux_only
USER, OTHER = 65534, 1001


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that every user can reach."""
    made = Path(tempfile.mkdtemp(prefix="svc"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def make(above: Path) -> str:
    """Make the directory as a user whose session has this run-time directory; return its mode, or why not."""

    def script() -> str:
        os.setgid(USER)
        os.setuid(USER)
        place = str(above / "pydfly" / "svc")
        try:
            files.make_directory(place)
        except OSError as error:
            return str(error.strerror)
        return oct(os.stat(place).st_mode & 0o7777)

    return str(in_process(script))


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_directory_of_the_user_alone(folder: Path) -> None:
    """It is made, with those above it that are missing; unless another user could lead the way elsewhere."""
    for name, owner, mode in (("mine", USER, 0o700), ("shared", USER, 0o777), ("theirs", OTHER, 0o755)):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
        os.chown(folder / name, owner, owner)
    (folder / "theirs/mine").mkdir(0o700)
    os.chown(folder / "theirs/mine", USER, USER)
    (folder / "mine/link").symlink_to(folder / "theirs/mine")
    os.chown(folder / "mine/link", USER, USER, follow_symlinks=False)
    assert make(folder / "mine") == "0o700"
    assert make(folder / "mine" / "deeper") == "0o700"
    for name in ("theirs/mine", "mine/link"):
        assert f"{folder}/theirs belongs to user {OTHER}" in make(folder / name)
    assert f"{folder}/shared can be written by others" in make(folder / "shared")


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_user_without_a_session_is_not_warned() -> None:
    """As in a job of cron: there is a place, and each command is silent about how it was found."""

    def script() -> bool:
        os.environ.pop("XDG_RUNTIME_DIR", None)
        os.setgid(USER)
        os.setuid(USER)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return files.default_directory().endswith("/pydfly/svc")

    assert in_process(script) is True
