"""Take from an interpreter on Linux the names that CPython 3.11 lacks on a BSD, before anything else looks for them.

The lists in ``tests/data`` were read from CPython 3.11.2 on DragonFly (June 2023) and on FreeBSD 13.2.  Names that
only the BSDs have are not added, except those of ``kqueue`` that the package waits by.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data"

TAKE = """
def _take(names, platform):
    import sys
    import posix, select
    pidfd_open = posix.pidfd_open
    queue = select.epoll  # polls pidfds in place of what kqueue would watch

    def strip(module):
        for name in list(vars(module)):
            if not name.startswith("__") and name not in names[module.__name__]:
                delattr(module, name)

    class Later:  # _signal cannot be imported as early as this may run
        def find_spec(self, name, path=None, target=None):
            if name != "_signal":
                return None
            sys.meta_path.remove(self)
            found = next(found for finder in sys.meta_path if (found := finder.find_spec(name, path, target)))
            self.loader, found.loader = found.loader, self
            return found

        def create_module(self, spec):
            return self.loader.create_module(spec)

        def exec_module(self, module):
            self.loader.exec_module(module)
            strip(module)

    for name in names:
        if name in sys.modules:
            strip(sys.modules[name])
        elif name == "_signal":
            sys.meta_path.insert(0, Later())
        elif name not in ("os", "signal", "pty"):  # those are made later, from what is left of the others
            try:
                strip(__import__(name))
            except ImportError:
                continue
    if "threading" in sys.modules and "get_native_id" not in names["_thread"]:
        sys.modules["threading"]._HAVE_THREAD_NATIVE_ID = False
    sys.platform = platform

    class kevent:
        def __init__(self, ident, filter=-1, flags=1, fflags=0, data=0, udata=0):
            self.ident, self.filter, self.flags, self.fflags, self.data = ident, filter, flags, fflags, data

    class kqueue:
        masks = {-1: 1, -2: 4, -5: 1}  # reading, writing, the end of a process: what is polled for each

        def __init__(self, own=None):
            self._queue, self._pidfds, self._filters = own or queue(), {}, {}
            self.closed = False

        @classmethod
        def fromfd(cls, number):
            return cls(queue.fromfd(number))

        def control(self, changes, most, timeout=None):
            for change in changes or ():
                self._change(change)
            if most == 0:
                return []
            found = self._queue.poll(-1 if timeout is None else timeout)
            return [kevent(descriptor, filter) for descriptor, events in found
                    for filter in self._filters[descriptor] if events & (self.masks[filter] | 24)][:most]

        def _change(self, change):
            descriptor = change.ident
            if change.filter == -5:
                # ESRCH for a process that is gone, readable at once for a zombie
                descriptor = self._pidfds[change.ident] = pidfd_open(change.ident)
            filters = self._filters.get(descriptor, set())
            if change.flags & 2:
                if change.filter not in filters:
                    raise FileNotFoundError(2, "No such file or directory")
                filters = filters - {change.filter}
            else:
                filters = filters | {change.filter}
            mask = sum(self.masks[filter] for filter in filters)
            if not filters:
                self._queue.unregister(descriptor)
            else:
                try:
                    self._queue.modify(descriptor, mask)
                except FileNotFoundError:  # a new one, or another one with its number: closing has removed it
                    self._queue.register(descriptor, mask)
            self._filters[descriptor] = filters

        def fileno(self):
            return self._queue.fileno()

        def close(self):
            self.closed = True
            self._queue.close()
            while self._pidfds:
                posix.close(self._pidfds.popitem()[1])

    select.kevent, select.kqueue = kevent, kqueue
    for name, value in dict(KQ_FILTER_READ=-1, KQ_FILTER_WRITE=-2, KQ_FILTER_PROC=-5, KQ_EV_ADD=1, KQ_EV_DELETE=2,
                            KQ_EV_ONESHOT=16, KQ_NOTE_EXIT=0x80000000).items():
        setattr(select, name, value)
"""


def known(flavour: str) -> dict[str, Any]:
    """Return what was seen on a system: ``platform``, ``version``, and ``names`` of each module."""
    found: dict[str, Any] = json.loads((DATA / f"python-names-{flavour}.json").read_text())
    return found


def source(flavour: str) -> str:
    """Return Python source that takes the names away when it is executed, and needs nothing of ours."""
    seen = known(flavour)
    names = {module: sorted(names) for module, names in seen["names"].items()}
    return f"{TAKE}\n_take({names!r}, {seen['platform']!r})\ndel _take\n"


def take(flavour: str) -> None:
    """Take the names away from this interpreter, for good."""
    exec(source(flavour), {})
