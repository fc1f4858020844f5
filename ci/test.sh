#!/bin/sh
# Every check and every test, in an environment of its own.      $PYTHON: the interpreter (default: python3)
# usage: test.sh [fast]      fast: format, types, structure, the pure rooms, and one file of each live room
set -eu
cd "$(dirname "$0")/.."
case $(uname -s) in DragonFly | FreeBSD) exec sh ci/bsd.sh ;; esac # what can be checked there
unset PYTHONDONTWRITEBYTECODE # thousands of processes load the same modules
lane=${1:-whole}
# PIP_COMPILE: modules that are imported compile themselves, and most are not
case $lane in
    whole) python=$(PIP_COMPILE=0 sh ci/venv.sh build/venv-test test,docs,cross) ;;
    fast) python=$(sh ci/venv.sh build/venv-test test) ;;
    *) echo "usage: test.sh [fast]" >&2; exit 2 ;;
esac
if [ "$lane" = fast ]; then
    echo "== format, types, structure"
    sh ci/check.sh "$python"
    exec "$python" -m pytest -q -n auto tests/simkernel tests/ending tests/supervisor/test_helper_socket.py tests/supervisor/test_wire.py \
        tests/conformance/test_table.py tests/cli/test_cli.py tests/backends/test_linux_process.py tests/test_resident.py \
        tests/live/test_aio.py tests/live/test_own_domain.py tests/test_errors.py tests/test_escape.py
fi

# here once, or each worker of pytest compiles every test; errors are not shown here: the parts below meet them again
printf '%s\n' '-m compileall -q pydfly tests benchmarks' '-m pytest -p no:cacheprovider --collect-only tests' |
    xargs -P 2 -L 1 "$python" >/dev/null 2>&1 || :
compiled=
if command -v "${CC:-gcc}" >/dev/null; then
    compiled=yes
elif [ -n "${PYDFLY_REQUIRE:-}" ]; then
    echo "test.sh: PYDFLY_REQUIRE wants the native binding checked, and there is no ${CC:-gcc}" >&2
    exit 1
else
    echo "test.sh: no ${CC:-gcc} here, so the native binding was not compiled"
fi
# the longest first, side by side, as most tests wait half of their time; live tests see what else runs, so they come
# last where they can have no pid namespace of their own
parts="${compiled:+confined} rooms ${compiled:+native} docs simulated check"
afterwards=
if unshare --pid --fork --mount-proc true 2>/dev/null; then parts="live $parts"; else afterwards=live; fi
shown=build/test-parts
rm -rf "$shown"
mkdir -p "$shown"
# xargs, as a background job of this shell would ignore Ctrl-C
# shellcheck disable=SC2016,SC2086  # expanded by the inner shell; several words
side_by_side() {
    printf '%s\n' "$@" | xargs -P 4 -I PART \
        sh -c 'sh ci/PART.sh "$0" >"$1/PART.out" 2>&1 || echo failed >"$1/PART.failed"' "$python" "$shown"
    for part in "$@"; do
        echo "== $(sed -n '2s/^# //p' "ci/$part.sh")"
        cat "$shown/$part.out"
    done
}
# shellcheck disable=SC2086  # several words
side_by_side $parts
# shellcheck disable=SC2086
[ -z "$afterwards" ] || side_by_side $afterwards
[ -z "$(find "$shown" -name '*.failed')" ] || { echo "test.sh: failed: $(cd "$shown" && echo *.failed)" >&2; exit 1; }
