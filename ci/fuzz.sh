#!/bin/sh
# A bounded run of a coverage-guided fuzzer over the raw layer and the reader of scenarios.
# usage: fuzz.sh PYTHON [SECONDS]      an interpreter with the package and its fuzz extra; a minute if not told
set -eu
cd "$(dirname "$0")/.."
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
# what a scenario looks like, one line each, so that the fuzzer need not invent JSON
"$1" - "$corpus" <<'SEEDS'
import gzip, pathlib, sys
for name in ("dragonfly", "freebsd"):
    lines = gzip.open(f"tests/data/{name}.jsonl.gz").read().splitlines()
    for number, line in enumerate(sorted(lines, key=len)[:10]):
        pathlib.Path(sys.argv[1], f"{name}-{number}").write_bytes(line)
SEEDS
"$1" ci/fuzz.py "$corpus" -max_total_time="${2:-60}" -max_len=4096 -timeout=10 -artifact_prefix="$corpus/" -verbosity=0
