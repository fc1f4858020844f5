#!/bin/sh
# Whole programs on a Linux that looks like DragonFly, and on one that looks like FreeBSD: see tests/confined/machine.c.
# usage: confined.sh PYTHON [FLAVOUR...]      an interpreter with the test extras; both if none is named
# $SUITES: what is run in the machines besides their own tests; all that can be is "tests/live tests/ending tests/supervisor tests/cli/svc".
# Needs gcc and Python.h: without them nothing is done, which is an error if $PYDFLY_REQUIRE names native-stub.
set -eu
cd "$(dirname "$0")/.."
python=$1
shift
lacking=$("$python" -c 'from tests.native.building import lacking; print(lacking() or "")')
if [ -n "$lacking" ]; then
    echo "confined.sh: not run: $lacking"
    case ",${PYDFLY_REQUIRE:-}," in *,native-stub,*) exit 1 ;; *) exit 0 ;; esac
fi
folder=build/confined
rm -rf "$folder"
mkdir -p "$folder"
PYDFLY_CONFINED=$PWD/$folder
export PYDFLY_CONFINED
[ $# -gt 0 ] || set -- dragonfly freebsd
"$python" -m tests.confined.machine "$PYDFLY_CONFINED" "$@"

# a pid namespace where that is allowed, so that nothing outlives it
box=
if unshare --pid --fork --mount-proc true 2>/dev/null; then box="unshare --pid --fork --mount-proc --kill-child"; fi
live=${SUITES:-tests/live/test_supervise.py tests/live/test_run.py tests/live/test_crash.py tests/live/test_own_domain.py}
# these look at their own processes only, and wait more than they compute
services="tests/cli/svc tests/supervisor/test_service.py tests/supervisor/test_service_aio.py tests/live/test_many.py tests/live/test_aio.py"
# process 1 of the namespace is a shell, which collects orphans; setsid(1) gives it a process group that is numbered there
# shellcheck disable=SC2016  # expanded by the inner shell
shell='"$0" "$@"; exit $?'
export python box live services shell
# what is to be run, a line each: a word for it, and the flavour
{
    [ -n "${SUITES:-}" ] || printf 'services %s\n' "$@"
    printf 'live %s\n' "$@"
    echo rules "$*"
} >"$folder/parts"
# side by side; xargs, as a background job of this shell would ignore Ctrl-C
# shellcheck disable=SC2016  # expanded by the inner shell
xargs -P 5 -I PART sh -c '
    set -- PART
    suite=$1
    shift
    inside="$box $python -m tests.confined.machine $PYDFLY_CONFINED $1 -- -m pytest -q -p no:cacheprovider"
    {
        case $suite in
            rules)
                echo "== the rules of the machines, and what the first run on real kernels showed"
                # the machines list every process that they see, and the other suites have hundreds
                PYDFLY_REQUIRE=native-stub ${box:+$box setsid} sh -c "$shell" $python -m pytest -q -n 3 -p no:cacheprovider tests/confined ;;
            live)
                echo "== $1: programs in the machine"
                $inside $live ;;
            services)
                echo "== $1: services in the machine"
                $inside -n 2 $services ;;
        esac
    } >"$PYDFLY_CONFINED/$suite.$1.out" 2>&1 || echo failed >"$PYDFLY_CONFINED/$suite.$1.failed"' <"$folder/parts"
cat "$folder"/*.out
[ -z "$(find "$folder" -maxdepth 1 -name '*.failed')" ]
