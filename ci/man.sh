#!/bin/sh
# Render the manual pages with mandoc(1), for `pydfly help` where no viewer is; the texts are kept beside the pages.
# usage: man.sh [DIRECTORY]      where the texts go (default: beside the pages)
set -eu
cd "$(dirname "$0")/.."
back=$(printf '\b')
export LC_ALL=C.UTF-8 # one character before each backspace, not one byte
for page in pydfly/man/*.[1-9]; do
    # the name of the system in the last line would be that of the machine
    mandoc -T utf8 -I os=pydfly -O width=78 "$page" | sed "s/.$back//g" >"${1:-pydfly/man}/${page##*/}.txt"
done
