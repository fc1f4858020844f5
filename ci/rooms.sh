#!/bin/sh
# The rooms that look at their own processes only.
# usage: rooms.sh PYTHON [WORKERS]      an interpreter with the package and its test extras
set -eu
cd "$(dirname "$0")/.."
# simulated.sh and check.sh have what is left out
if command -v "${CC:-gcc}" >/dev/null; then # native.sh and confined.sh have these
    compiled="--ignore=tests/native --ignore=tests/confined"
else
    compiled=
fi
# shellcheck disable=SC2086  # several words
"$1" -m pytest -q -n "${2:-5}" --dist worksteal --ignore=tests/live --ignore=tests/faults --ignore-glob='tests/test_pytest_plugin*' \
    --ignore=tests/simkernel --ignore=tests/test_architecture.py $compiled
