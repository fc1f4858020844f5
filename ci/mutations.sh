#!/bin/sh
# Do the tests notice when a line is wrong?  Each line of the lists under tests/ is broken in a copy and tested there.
# usage: mutations.sh [LIST...]      dragonfly, freebsd, registry, native; all, which take about half an hour, if none is named
set -eu
cd "$(dirname "$0")/.."
python=$(sh ci/venv.sh build/venv-mutations test)
"$python" -m tests.mutations "$@"
