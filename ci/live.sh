#!/bin/sh
# The tests that see the other processes of the machine, file by file; in a pid namespace of its own where that is allowed.
# usage: live.sh PYTHON [WORKERS]      an interpreter with the package and its test extras
set -eu
cd "$(dirname "$0")/.."
python=$1
set -- -m pytest -q -n "${2:-3}" --dist loadfile tests/live tests/faults tests/test_pytest_plugin*.py
if unshare --pid --fork --mount-proc true 2>/dev/null; then
    # the shell is process 1 there, and collects what is left to it
    # shellcheck disable=SC2016  # expanded by the inner shell
    exec unshare --pid --fork --mount-proc --kill-child sh -c '"$0" "$@"; exit $?' "$python" "$@"
else
    exec "$python" "$@"
fi
