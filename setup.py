"""The one dynamic thing about this package: whether the native binding is compiled.

PYDFLY_BUILD_EXTENSION=yes: required.  no: never.  Unset: required on DragonFly and FreeBSD, never elsewhere.
"""

import os
import sys
import sysconfig

from setuptools import setup

wish = os.environ.get("PYDFLY_BUILD_EXTENSION", "").lower()
wanted = wish == "yes" or (wish != "no" and sys.platform.startswith(("dragonfly", "freebsd")))
# cffi compiles against the limited API, except where that does not exist
abi3 = sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED")
setup(
    setup_requires=["cffi>=1.16"] if wanted else [],  # pyproject.toml asks for it on the BSDs only
    cffi_modules=["build_ffi.py:ffibuilder"] if wanted else [],
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if wanted and abi3 else {},
)
