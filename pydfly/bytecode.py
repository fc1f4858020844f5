"""Load modules of this package straight from their bytecode: for programs that are started often and are short.

The import system looks for each module in every place where one may be, and takes longer for that than for the module
itself.  ``pydfly run`` and the guard know what they need and where it is.  A module
without bytecode that a plain import would use is left to plain imports.
"""

from __future__ import annotations

import marshal
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HELPERS = (
    "supervisor/__init__",
    "supervisor/keepers/__init__",
    "supervisor/keepers/mailbox",
    "backends/__init__",
    *(("backends/linux/__init__", "backends/linux/prctl") if sys.platform == "linux" else ()),
    "supervisor/keepers/own_process",
    "ending/__init__",
    "backends/waiting",
    "named_tuple",
    "process_records",
    "ending/sending",
    "ending/warden_domain",
    *(
        ("backends/linux/procfile", "backends/linux/procfs", "ending/warden_domain_linux")
        if sys.platform == "linux"
        else (
            "backends/bsd_helper_calls",
            "backends/native/__init__",
            "backends/native/processes",
            "ending/warden_domain_bsd",
        )
    ),
    "supervisor/wire",
    "supervisor/helper_socket",
    "supervisor/keepers/owner_requests",
    "ending/policy",
    "ending/drive",
    "ending/last_resort",
    "supervisor/keepers/leavings",
    "supervisor/keepers/keeper",
    "supervisor/launch",
    "supervisor/keepers/warden_states",
    "supervisor/keepers/journal",
    "supervisor/keepers/dead_children",
    "supervisor/keepers/execve",
    "supervisor/keepers/fork_exec",
    "supervisor/keepers/command_start",
    "supervisor/keepers/warden",
    "supervisor/keepers/wardens_ahead",
    "supervisor/keepers/deputy",
    "supervisor/keepers/guard",
)
"""What guard, deputy and warden need, each behind what it imports."""

GUARD = (
    *HELPERS,
    "supervisor/services/__init__",
    "supervisor/services/services",
    "supervisor/keepers/guard_program",
)
"""What a guard needs besides where it is a program of its own."""

RUN = (
    *HELPERS,
    "supervisor/foreground/__init__",
    "supervisor/foreground/terminal",
    "supervisor/foreground/announcements",
    "supervisor/foreground/job",
    "supervisor/foreground/foreground",
    "cli/inherited",
    "cli/run",
)
"""What ``pydfly run`` needs besides the command line."""


def load(paths: Iterable[str]) -> None:
    """Load modules, in this order, until one is met that a plain import has to find.

    ``paths`` are those of the sources below the package, without the ending; the package of each stands before it.
    """
    import _frozen_importlib as importing
    import _frozen_importlib_external as files

    package = __name__.rpartition(".")[0]
    tag = sys.implementation.cache_tag
    if sys.flags.optimize or sys.pycache_prefix or type(__spec__.loader) is not files.SourceFileLoader:
        return
    root = os.path.dirname(__file__)
    kind = files.MAGIC_NUMBER + bytes(4)  # PEP 552: valid while the source has this time and size
    for path in paths:
        name = f"{package}.{path.removesuffix('/__init__').replace('/', '.')}"
        if name in sys.modules:
            continue
        source = f"{root}/{path}.py"
        folder, _, file = f"{root}/{path}".rpartition("/")
        cached = f"{folder}/__pycache__/{file}.{tag}.pyc"
        try:
            status = os.stat(source)
            content = _read(cached)
        except OSError:
            return
        valid = kind + (int(status.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
        valid += (status.st_size & 0xFFFFFFFF).to_bytes(4, "little")
        if content[:16] != valid:
            return
        loader = files.SourceFileLoader(name, source)
        spec = importing.ModuleSpec(name, loader, origin=source, is_package=file == "__init__")
        spec.cached = cached
        spec.has_location = True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        module = importing.module_from_spec(spec)
        sys.modules[name] = module
        try:
            exec(marshal.loads(memoryview(content)[16:]), vars(module))  # noqa: S102, S302  as a plain import does
        except BaseException:
            del sys.modules[name]
            raise
        above, _, last = name.rpartition(".")
        setattr(sys.modules[above], last, module)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)
