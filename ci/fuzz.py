"""Feed the raw layer and the reader of scenarios with what a coverage-guided fuzzer invents: only documented errors.

Played on simulated kernels, where every call is harmless; the same calls are made on the other backends by
tests/property/test_raw_layer.py.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["pydfly"]):
    import pydfly
    from pydfly import simkernel
    from pydfly.simkernel import scenarios

POINTERS = [pydfly.NULL, pydfly.BAD_POINTER, pydfly.structs.OMITTED]


def number(data: atheris.FuzzedDataProvider) -> object:
    """Return a number, most often a small one, or something that is none."""
    kind = data.ConsumeIntInRange(0, 7)
    if kind == 0:
        return data.ConsumeInt(9)
    if kind == 1:
        return [1.5, None, "1", b""][data.ConsumeIntInRange(0, 3)]
    return data.ConsumeIntInRange(-2, 140)


def argument(data: atheris.FuzzedDataProvider) -> object:
    """Return something for a command to read."""
    kind = data.ConsumeIntInRange(0, 3)
    if kind == 0:
        return POINTERS[data.ConsumeIntInRange(0, 2)]
    if kind == 1:
        return pydfly.ReaperKill(number(data), number(data), number(data))  # type: ignore[arg-type]
    return number(data)


def call(data: atheris.FuzzedDataProvider) -> None:
    """Make a few calls as processes of one simulated kernel."""
    kernel = simkernel.boot(["dragonfly", "freebsd"][data.ConsumeIntInRange(0, 1)])
    family = [kernel.spawn("/bin/sh")]
    for _ in range(data.ConsumeIntInRange(1, 12)):
        process = family[data.ConsumeIntInRange(0, len(family) - 1)]
        if process.state != "running":
            continue
        if data.ConsumeIntInRange(0, 4) == 0:
            family.append(process.fork())
            continue
        with pydfly.use(process), suppress(pydfly.SyscallError, TypeError, OverflowError):
            pydfly.procctl(number(data), number(data), number(data), argument(data))  # type: ignore[arg-type]


def scenario(content: bytes) -> None:
    """Read a line as a scenario, and play it if it is one."""
    with suppress(scenarios.BrokenScenario, NotImplementedError):
        list(scenarios.play(scenarios.parse(content)))


def one(content: bytes) -> None:
    """Use one input for both."""
    if content[:1] == b"{":
        scenario(content)
    else:
        call(atheris.FuzzedDataProvider(content))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
