#!/bin/sh
# The native binding on Linux: its tests under sanitizers, a wheel with the extension, and the systems it is for.
# usage: native.sh PYTHON      an interpreter with the extras test and cross
# Needs gcc and Python.h: without them nothing is done, which is an error if $PYDFLY_REQUIRE names native-stub.
set -eu
cd "$(dirname "$0")/.."
python=$1
lacking=$("$python" -c 'from tests.native.building import lacking; print(lacking() or "")')
if [ -n "$lacking" ]; then
    echo "native.sh: not run: $lacking"
    case ",${PYDFLY_REQUIRE:-}," in *,native-stub,*) exit 1 ;; *) exit 0 ;; esac
fi
folder=build/native
rm -rf "$folder"
mkdir -p "$folder"

echo "== tests on both stub kernels, every access checked"
PYDFLY_REQUIRE=native-stub PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 \
    LD_PRELOAD=$(gcc -print-file-name=libasan.so) \
    PYDFLY_STUB_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined" \
    "$python" -m pytest -q -p no:cacheprovider tests/native

echo "== a wheel with the extension, for every Python from 3.10 on, used from an empty directory"
PYDFLY_BUILD_EXTENSION=yes "$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir "$folder" .
"$python" -m venv --without-pip "$folder/venv"
"$python" -m pip --python "$folder/venv/bin/python" install --quiet --disable-pip-version-check cffi "$folder"/pydfly-*-cp310-abi3-*.whl
mkdir "$folder/empty"
(cd "$folder/empty" && PYDFLY_BACKEND=native ../venv/bin/python -I ../../../ci/refused.py)

echo "== FreeBSD and DragonFly"
"$python" ci/crosscompile.py "$folder/cross"
