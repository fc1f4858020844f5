"""Programs to make resident: a directory of them that lasts as long as the machine of a world."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile

from ..errors import SyscallError
from ..resident import elf

DYNAMIC = ("/usr/bin/true", "/usr/bin/env", "/usr/bin/id")
"""Programs of a real DragonFly, one of which serves as a pattern: they must run there."""


def made() -> bytes:
    """Return a dynamic executable that consists of headers only: enough where nothing executes it."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x401000, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    segments = [struct.pack("<IIQQQQQQ", kind, 4, 0, 0, 0, 0, 0, 8) for kind in (1, 2)]  # PT_LOAD, PT_DYNAMIC
    return header + b"".join(segments)


def copied() -> bytes | None:
    """Return a dynamic executable of this system, or None if it has none that resident(8) accepts."""
    for path in DYNAMIC:
        try:
            elf.examine(path)
        except SyscallError:
            continue
        with open(path, "rb") as file:
            return file.read()
    return None


class Programs:
    """A directory of programs."""

    def __init__(self, *, runnable: bool) -> None:
        self._runnable = runnable
        self.directory = tempfile.mkdtemp(prefix="pydfly-")

    def program(self, name: str) -> str | None:
        """Write a new program with this name and return its path; None where there is no pattern for one."""
        content = copied() if self._runnable else made()
        return None if content is None else self.write(name, content)

    def write(self, name: str, content: bytes) -> str:
        """Write a new executable file; one of that name is replaced, not changed."""
        path = os.path.join(self.directory, name)
        with open(f"{path}.new", "wb") as file:
            file.write(content)
        os.chmod(f"{path}.new", 0o755)  # noqa: S103  a program, in a directory of ours
        os.replace(f"{path}.new", path)
        return path

    def remove(self) -> None:
        """Remove the directory."""
        shutil.rmtree(self.directory, ignore_errors=True)
