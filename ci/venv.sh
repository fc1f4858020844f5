#!/bin/sh
# Make a virtual environment with the package in it, and print the path of its python.
# usage: venv.sh DIRECTORY [EXTRA]      $PYTHON: the interpreter, 3.10 or newer (default: python3, or what a BSD calls it)
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
for name in python3.13 python3.12 python3.11 python3.10; do
    [ -n "${PYTHON:-}" ] || command -v "$python" >/dev/null || python=$name
done
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    { echo "venv.sh: $python is older than Python 3.10; name another one in \$PYTHON" >&2; exit 1; }
"$python" -m venv --clear "$1" >&2 ||
    { echo "venv.sh: $python cannot make virtual environments (Debian: apt-get install python3-venv)" >&2; exit 1; }
"$1/bin/python" -m pip install --quiet --disable-pip-version-check ".${2:+[$2]}" >&2
echo "$1/bin/python"
