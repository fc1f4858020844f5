"""Files, as far as an exec needs them: a vnode is a file's identity, a path is only a name that leads to one.

RX-3: a renamed or hard-linked file is the same vnode; a file put in the place of another one is a new vnode.
Source: sys/kern/vfs_cache.c; the vnode's own name is the one that was used last, as vm.resident shows it.
"""

from __future__ import annotations

from ..named_tuple import NamedTuple
from .faults import SimulationError


class File(NamedTuple):
    """What an exec looks at: see ``Process.execve``."""

    path: str
    suid: bool = False
    owner: int = 0
    sgid: bool = False
    group: int = 0
    nosuid: bool = False
    bad: bool = False
    interpreter: str | None = None
    static: bool = False


class Executed(NamedTuple):
    """How a program was started."""

    resident: bool
    """From the snapshot of a resident registration."""
    entry: int
    """At which address."""


class Vnode:
    """One file.

    Attributes:
        path: the name it was reached by last.
    """

    __slots__ = ("dev", "ino", "path", "size")

    def __init__(self, dev: int, ino: int, path: str, size: int) -> None:
        self.dev, self.ino, self.path, self.size = dev, ino, path, size

    def __repr__(self) -> str:
        return f"<vnode {self.dev}:{self.ino} {self.path!r}>"


class Vnodes:
    """The names of one machine's files.  A name that is looked up for the first time becomes a file."""

    DEV = 1
    """Device of the files that were not described."""

    def __init__(self) -> None:
        self._by_path: dict[str, Vnode] = {}
        self._last_ino = 1

    def lookup(self, path: str) -> Vnode:
        """Return the file of this name."""
        vnode = self._by_path.get(path)
        if vnode is None:
            vnode = self.create(path)
        vnode.path = path
        return vnode

    def create(self, path: str, size: int = 4096) -> Vnode:
        """Put a new file at this name; what had the name before keeps existing without it."""
        self._last_ino += 1
        vnode = self._by_path[path] = Vnode(self.DEV, self._last_ino, path, size)
        return vnode

    def describe(self, path: str, dev: int, ino: int, size: int) -> Vnode:
        """Return the file with this identity, reached by this name."""
        known = (vnode for vnode in self._by_path.values() if (vnode.dev, vnode.ino) == (dev, ino))
        vnode = next(known, None) or Vnode(dev, ino, path, size)
        vnode.path, vnode.size = path, size
        self._by_path[path] = vnode
        return vnode

    def link(self, path: str, new: str) -> None:
        """Give the file a second name."""
        self._by_path[new] = self.lookup(path)

    def rename(self, path: str, new: str) -> None:
        """Give the file another name; what had that name before loses it."""
        vnode = self.lookup(path)
        del self._by_path[path]
        self._by_path[new] = vnode
        vnode.path = new

    def unlink(self, path: str) -> None:
        """Take the name away; the vnode still knows it."""
        if self._by_path.pop(path, None) is None:
            raise SimulationError(f"nothing is called {path!r}")
