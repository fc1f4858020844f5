#!/bin/sh
# The tests of the simulated kernels alone cover them line by line and branch by branch.
# usage: simulated.sh PYTHON      an interpreter with the package and its test extras
set -eu
cd "$(dirname "$0")/.."
"$1" -m coverage run --branch --source=pydfly.simkernel -m pytest -q tests/simkernel
"$1" -m coverage report --skip-covered --fail-under=100
