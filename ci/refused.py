"""On a system without the calls the extension loads, and refuses each with ENOSYS."""

import errno

import pydfly
from pydfly import _native

assert pydfly.backend().name == "native", pydfly.backend()
for call in (pydfly.reaper.acquire, pydfly.pdeathsig.get, pydfly.resident.entries):
    try:
        call()
    except pydfly.SyscallError as error:
        assert error.errno == errno.ENOSYS, error
    else:
        raise SystemExit(f"{call} was not refused")
print(f"loaded {_native.__file__}")
