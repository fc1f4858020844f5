#!/bin/sh
# Every check and every test, in an environment of its own.      $PYTHON: the interpreter (default: python3)
set -eu
cd "$(dirname "$0")/.."
python=$(sh ci/venv.sh build/venv-test test,cross)
sh ci/check.sh "$python"
# the model of the kernels is covered by its own tests, line by line and branch by branch
"$python" -m coverage run --branch --source=pydfly.simkernel -m pytest -q tests/simkernel
"$python" -m coverage report --skip-covered --fail-under=100
"$python" -m pytest
sh ci/native.sh "$python"
