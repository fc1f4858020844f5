"""Which backend this machine gets, why, and why not the others.

$PYDFLY_BACKEND, else what use() was told, else by machine: DragonFly and FreeBSD their own calls (or an error
that says how to build the extension, never a silent simulation), Linux the live fallback, anything else the
simulator with one warning.
"""

from __future__ import annotations

from .. import errors, structs
from .environment import machine, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .protocol import Backend

    Chosen = tuple[object, dict[str, Any]] | None

VARIABLE = "PYDFLY_BACKEND"
NAMES = ("native", "linux", "sim")
FLAVOURS = ("dragonfly", "freebsd")


def parse(spec: str) -> tuple[str, str]:
    """Split ``NAME[:FLAVOUR]``; native has the flavour of the machine; BackendError: no such name or flavour."""
    name, colon, flavour = spec.partition(":")
    if name not in NAMES:
        raise errors.BackendError(
            f"unknown backend {spec!r}: it is one of native, linux, sim, with or without :FLAVOUR"
        )
    if not colon:
        own = machine()
        return name, own if name == "native" and own in FLAVOURS else "dragonfly"
    if flavour not in FLAVOURS:
        raise errors.BackendError(f"unknown flavour in {spec!r}: it is :dragonfly or :freebsd")
    if name == "native" and machine() in FLAVOURS and flavour != machine():
        raise errors.BackendError(f"the native backend of this machine is native:{machine()}, not {spec}")
    return name, flavour


def wanted(chosen: Chosen) -> tuple[object, dict[str, Any], str]:
    """Return what to use, its options, and a sentence that says why."""
    spec = variable(VARIABLE)
    if spec and (chosen is None or isinstance(chosen[0], str)):
        return spec, {}, f"${VARIABLE} says {spec}"
    if chosen is not None:
        what = chosen[0] if isinstance(chosen[0], str) else _kind(chosen[0])
        return *chosen, f"pydfly.use() was called with {what}"
    own = machine()
    if own in FLAVOURS:
        return "native", {}, f"this machine runs {own}, whose own calls are used"
    if own == "linux":
        return "linux", {}, "this machine runs Linux, where the live fallback keeps the BSDs' semantics"
    return "sim", {}, f"this machine runs {own}, which has no live backend"


def _kind(what: object) -> str:
    return "a backend" if hasattr(what, "procctl") and hasattr(what, "processes") else "a simulated process"


def flavour(chosen: Chosen) -> str:
    """Return the flavour that choose() would get."""
    what = wanted(chosen)[0]
    return parse(what)[1] if isinstance(what, str) else choose(chosen).flavour


def choose(chosen: Chosen) -> Backend:
    """Make the backend that is wanted; BackendError: it does not exist or cannot work here."""
    what, options, _ = wanted(chosen)
    if what == "sim" and chosen is None and variable(VARIABLE) is None:
        import warnings

        warnings.warn(
            f"no live backend for {machine()}: a simulated DragonFly kernel answers, real processes are not touched",
            errors.SimulatedBackendWarning,
            stacklevel=4,
        )
    return make(what, options)


def make(what: object, options: dict[str, Any]) -> Backend:
    """Make a backend from its name or from a simulated process; a backend is returned as it is.

    BackendError: it does not exist or cannot work here.
    """
    if isinstance(what, str):
        return start(what, **options)
    if _kind(what) == "a backend":
        return what  # type: ignore[return-value]  # an object that has what a backend has
    from . import simulated

    return simulated.of(what, **options)


def start(spec: str, **options: Any) -> Backend:
    """Make the backend called ``NAME[:FLAVOUR]``; BackendError: it does not exist or cannot work here."""
    name, flavour = parse(spec)
    if name == "native":
        from . import native

        return native.start(flavour, **options)
    if name == "linux":
        from . import linux

        return linux.start(flavour, **options)
    from . import simulated

    return simulated.start(flavour, **options)


def explain(backend: Backend | None, chosen: Chosen) -> structs.BackendInfo:
    """Describe the backend in force, or what would be chosen: what decided, and why each other one was refused.

    BackendError: what would be chosen does not exist or cannot work here.
    """
    what, options, sentence = wanted(chosen)
    found = backend or make(what, options)  # only to describe it: it is not kept
    if isinstance(what, str) and parse(what) != (found.name, found.flavour):
        sentence = f"it was chosen at the first call, before ${VARIABLE} was changed"
    others = [f"{name} refused: {refused}" for name in NAMES if name != found.name and (refused := obstacle(name))]
    return structs.BackendInfo(found.name, found.flavour, found.live, "; ".join([sentence, *others]))


def obstacle(name: str) -> str | None:
    """Say why this backend could not work here, or None if it could."""
    if name == "native":
        from . import native

        return native.obstacle()
    if name == "linux":
        from . import linux

        return linux.obstacle()
    return "it acts on simulated processes only, ask for it by name"
