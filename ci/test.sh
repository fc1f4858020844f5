#!/bin/sh
# Every check and every test, in an environment of its own.      $PYTHON: the interpreter (default: python3)
set -eu
cd "$(dirname "$0")/.."
python=$(sh ci/venv.sh build/venv-test test)
sh ci/check.sh "$python"
"$python" -m pytest
