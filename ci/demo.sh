#!/bin/sh
# The main job on real input, in an environment of its own.      $PYTHON: the interpreter (default: python3)
# Exit status 0 only if all of it held.
set -eu
cd "$(dirname "$0")/.."
python=$(sh ci/venv.sh build/venv-demo)
exec "$python" ci/demo.py
