#!/bin/sh
# Every call of every helper made to fail once, and no memory at every line of it: no process may be left.
# Takes about an hour; ci/test.sh makes each 307th step of the way.   Linux, root.
# usage: faults.sh PYTHON [OPTION...]      an interpreter with the test extras; options of tests/faults/walk.py
set -eu
cd "$(dirname "$0")/.."
python=$1
shift
exec unshare --pid --fork --mount-proc --kill-child "$python" -m tests.faults.walk "$@"
