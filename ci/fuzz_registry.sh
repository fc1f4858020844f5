#!/bin/sh
# The registry among 10,000 random directories, 2,000 damaged files, 2,000 names and 48 writers that are killed.
# usage: fuzz_registry.sh PYTHON [SEED]      an interpreter with the package and its test extra; as root
set -eu
cd "$(dirname "$0")/.."
PYDFLY_FUZZ_SEED="${2:-$(date +%s)}"
PYDFLY_STATE_DIRECTORIES=10000 PYDFLY_DAMAGED_REGISTRIES=2000 PYDFLY_NAMES=2000
PYDFLY_REGISTRY_WORKERS=48 PYDFLY_REGISTRY_OPERATIONS=100
export PYDFLY_FUZZ_SEED PYDFLY_STATE_DIRECTORIES PYDFLY_DAMAGED_REGISTRIES PYDFLY_NAMES
export PYDFLY_REGISTRY_WORKERS PYDFLY_REGISTRY_OPERATIONS
echo "seed $PYDFLY_FUZZ_SEED"
"$1" -m pytest -q -s --timeout=3600 tests/registry/test_fuzz.py tests/registry/test_killed.py
