#!/bin/sh
# The examples and the public names under pyright, as well as under mypy.
# usage: types.sh PYTHON      an interpreter with the extras test and types
set -eu
cd "$(dirname "$0")/.."
"$1" -m mypy --strict tests/typing/api.py
"$1" -m tests.typing.pyright
