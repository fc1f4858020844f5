#!/bin/sh
# Build the documentation into build/docs; warnings are errors.
# usage: docs.sh PYTHON      an interpreter with the package and its docs extra
set -eu
cd "$(dirname "$0")/.."
PATH=$(cd "$(dirname "$1")" && pwd):$PATH # the pages show what the installed command prints, from another directory
export PATH NO_COLOR=1 COLUMNS=100
exec "$1" -m sphinx --fail-on-warning --keep-going --fresh-env --quiet -b html docs build/docs
