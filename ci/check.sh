#!/bin/sh
# What must pass before a change is read: format, lint, types, structure.
# usage: check.sh PYTHON      an interpreter with the test extras
set -eu
cd "$(dirname "$0")/.."
"$1" -m ruff format --check .
"$1" -m ruff check .
"$1" -m mypy
"$1" -m mypy --strict tests/typing/api.py
"$1" -m pytest -q tests/test_architecture.py
