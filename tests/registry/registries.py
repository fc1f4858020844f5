"""Registries made by hand, for tests that need a long one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydfly.backends.registry.content import Content, Row
from pydfly.backends.registry.file import RegistryFile
from pydfly.backends.registry.identity import identify


def fill(state: Path, programs: Sequence[Path]) -> None:
    """Make these files, which stay empty, and register all of them in one change."""
    with RegistryFile(str(state)).change() as change:
        rows = []
        for number, program in enumerate(programs):
            program.touch()
            rows.append(Row(*identify(str(program)), number + 1, 0x401000, 0, bytes(program)))
        body = b"\0" + b"".join(row.pack() for row in rows)
        change.commit(Content(body, 0, len(body), 1, len(rows)))
