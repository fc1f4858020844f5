#!/bin/sh
# Every check and every test, in an environment of its own.      $PYTHON: the interpreter (default: python3)
# usage: test.sh [fast]      fast: format, types, structure, the pure rooms, and one file of each live room
set -eu
cd "$(dirname "$0")/.."
lane=${1:-whole}
case $lane in
    whole) python=$(sh ci/venv.sh build/venv-test test,docs,cross) ;;
    fast) python=$(sh ci/venv.sh build/venv-test test) ;;
    *) echo "usage: test.sh [fast]" >&2; exit 2 ;;
esac
echo "== format, types, structure"
sh ci/check.sh "$python"
if [ "$lane" = fast ]; then
    exec "$python" -m pytest -q -n auto tests/simkernel tests/ending tests/supervisor/test_line.py tests/supervisor/test_wire.py \
        tests/conformance/test_table.py tests/cli/test_cli.py tests/backends/test_linux_process.py tests/test_resident.py \
        tests/live/test_aio.py tests/live/test_own_domain.py tests/test_errors.py tests/test_escape.py
fi
echo "== the simulated kernels: covered by their own tests, line by line and branch by branch"
"$python" -m coverage run --branch --source=pydfly.simkernel -m pytest -q tests/simkernel
"$python" -m coverage report --skip-covered --fail-under=100
rest="--ignore=tests/simkernel"
if command -v "${CC:-gcc}" >/dev/null; then
    echo "== the native binding"
    sh ci/native.sh "$python"
    echo "== whole programs on a Linux that looks like DragonFly, and like FreeBSD"
    sh ci/confined.sh "$python"
    rest="$rest --ignore=tests/native --ignore=tests/confined"
elif [ -n "${PYDFLY_REQUIRE:-}" ]; then
    echo "test.sh: PYDFLY_REQUIRE wants the native binding checked, and there is no ${CC:-gcc}" >&2
    exit 1
else
    echo "test.sh: no ${CC:-gcc} here, so the native binding was not compiled"
fi
echo "== everything else"
# shellcheck disable=SC2086  # several words
"$python" -m pytest -q -n auto --dist worksteal --ignore=tests/live --ignore=tests/faults --ignore-glob='tests/test_pytest_plugin*' $rest
echo "== what sees the other processes of the machine, file by file"
"$python" -m pytest -q -n auto --dist loadfile tests/live tests/faults tests/test_pytest_plugin*.py
echo "== the documentation"
sh ci/docs.sh "$python"
