#!/bin/sh
# Build the documentation into build/docs; warnings are errors.
# usage: docs.sh PYTHON      an interpreter with the package and its docs extra
set -eu
cd "$(dirname "$0")/.."
PATH=$(dirname "$1"):$PATH # the pages show what the installed command prints
export PATH NO_COLOR=1 COLUMNS=100
exec "$1" -m sphinx --fail-on-warning --keep-going --fresh-env --quiet -b html docs build/docs
