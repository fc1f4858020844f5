#!/bin/sh
# Every check and every test, in an environment of its own.      $PYTHON: the interpreter (default: python3)
set -eu
cd "$(dirname "$0")/.."
python=$(sh ci/venv.sh build/venv-test test,docs,cross)
sh ci/check.sh "$python"
# the model of the kernels is covered by its own tests, line by line and branch by branch
"$python" -m coverage run --branch --source=pydfly.simkernel -m pytest -q tests/simkernel
"$python" -m coverage report --skip-covered --fail-under=100
"$python" -m pytest
sh ci/docs.sh "$python"
if command -v "${CC:-gcc}" >/dev/null; then
    sh ci/native.sh "$python"
elif [ -n "${PYDFLY_REQUIRE:-}" ]; then
    echo "test.sh: PYDFLY_REQUIRE wants the native binding checked, and there is no ${CC:-gcc}" >&2
    exit 1
else
    echo "test.sh: no ${CC:-gcc} here, so the native binding was not compiled"
fi
