#!/bin/sh
# What only a BSD kernel can show: build the extension there, and let nothing be skipped for want of such a kernel.
# Run by .github/workflows/bsd.yml as root in a machine made for it; runs on any DragonFly or FreeBSD machine.
# $PYTHON: the interpreter (default: python3)
set -eu
cd "$(dirname "$0")/.."
case $(uname -s) in
    DragonFly | FreeBSD) ;;
    *) echo "bsd.sh: this machine runs $(uname -s)" >&2; exit 1 ;;
esac
python=$PWD/$(PYDFLY_BUILD_EXTENSION=yes sh ci/venv.sh build/venv-bsd)
# cffi is compiled here, against the system's libffi; ruff and mypy are not wanted, they have no wheels for these systems;
# pytest refuses the options in pyproject.toml where the plugin that they are for is missing
"$python" -m pip install --quiet --disable-pip-version-check pytest pytest-timeout hypothesis build 'setuptools>=77' cffi
empty=$(mktemp -d -t pydfly.XXXXXX)
trap 'rm -r "$empty"' EXIT
# from an empty directory, so that it is the installed package that works
(cd "$empty" && "$python" -Im pydfly doctor && "$python" -Im pydfly conform --out conform.jsonl &&
    "$python" -Im pydfly replay conform.jsonl)
# the tests import the package from here
PYDFLY_BUILD_EXTENSION=yes "$python" setup.py -q build_ext --inplace
# every suite that acts on real processes but those that are Linux's own, and what is pure; the machine may be an emulator
PYDFLY_REQUIRE=native "$python" -m pytest -q -o timeout=3600 \
    tests/simkernel tests/conformance tests/native tests/backends/test_waiting.py tests/supervisor tests/ending tests/live tests/cli/svc
