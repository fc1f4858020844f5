#!/bin/sh
# The tests on every supported CPython that this machine has besides the default one: on the PATH or under pyenv.
# What looks at no version is left to ci/test.sh: the live escape suite, packaging, random histories, the recorded behaviours
# of a system, the registry's file under attack.
set -eu
cd "$(dirname "$0")/.."
workers=$((2 * $(getconf _NPROCESSORS_ONLN)))  # most tests wait half of their time
default=$("${PYTHON:-python3}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for version in 3.10 3.11 3.12 3.13; do
    [ "$version" != "$default" ] || continue
    found=
    for candidate in "$(command -v "python$version" || :)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python; do
        if [ -x "$candidate" ] && "$candidate" -c 'import sys, venv; sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$version" 2>/dev/null
        then found=$candidate; break; fi
    done
    if [ -z "$found" ]; then echo "versions.sh: no Python $version here"; continue; fi
    echo "versions.sh: Python $version"
    python=$(PYTHON=$found sh ci/venv.sh "build/venv-$version" test)
    "$python" -m pytest -q -n "$workers" --dist worksteal --ignore=tests/live --ignore=tests/faults --ignore=tests/confined \
        --ignore=tests/test_packaging.py --ignore=tests/test_docs.py --ignore=tests/property --ignore=tests/native/test_fuzz.py \
        --ignore=tests/conformance/test_behaviours.py --ignore=tests/registry/test_hardship.py --ignore=tests/registry/test_killed.py
done
