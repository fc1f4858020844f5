"""The shipped conformance checks on the stub kernels, as far as these can tell: what a call refuses.

The stub kernels know no processes, so of the shipped behaviours only those that need none beside the caller can hold.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pydfly.backends.protocol import Backend

from .building import PRODUCT, load

FOLDER = "PYDFLY_TEST_EXTENSIONS"
"""Environment variable: where the extensions are, a folder for each flavour."""


def _make(flavour: str) -> Backend:
    from pydfly.backends import native

    sys.modules["pydfly._native"] = load(Path(os.environ[FOLDER], flavour, PRODUCT))
    return native.start(flavour)


def dragonfly() -> Backend:
    """Make the native backend on DragonFly's stub kernel."""
    return _make("dragonfly")


def freebsd() -> Backend:
    """Make the native backend on FreeBSD's stub kernel."""
    return _make("freebsd")
