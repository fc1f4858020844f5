#!/bin/sh
# The rows of the benchmark that are quick, and steady on a loaded machine with two cores, against their goals.
# usage: bench.sh PYTHON      an interpreter with the package and its bench extra
set -eu
cd "$(dirname "$0")/.."
# a quarter is for the table; another machine, and what else runs on it, may double a ratio
exec "$1" -m benchmarks --robust --check --slack 1.0
