#!/usr/bin/env bash
# The web console in a real browser, against the real server. Needs `make build`, `make guests` and
# `tests/prepare.sh`. What stands behind it is given to node's test runner, such as
# --test-name-pattern=curl.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

skipped() { # skipped WHAT; where it counts, that is a failure
    echo "skipped: $1" >&2
    echo "0 passed, $([[ ${CI:-} == true ]] && echo 1 || echo 0) failed"
    [[ ${CI:-} != true ]]
    exit
}

for name in chromium chromium-browser google-chrome; do
    if [[ -z ${BROWSER:-} ]] && command -v "$name" >/dev/null; then
        BROWSER=$(command -v "$name")
    fi
done
[[ -n ${BROWSER:-} ]] || skipped 'the web console; install chromium (Debian: apt-get install chromium)'
command -v node >/dev/null || skipped 'the web console; install node (Debian: apt-get install nodejs)'
[[ -d $root/target/console/node_modules ]] || skipped 'the web console; tests/prepare.sh sets it up'
export BROWSER

report=$(mktemp)
trap 'rm -f "$report"' EXIT
# One file after the other: each has a server and a browser of its own.
if timeout 600 node --test --test-concurrency=1 --test-reporter=spec "$@" "$here"/*.test.mjs >"$report" 2>&1; then
    passed=1
else
    passed=0
    cat "$report" >&2
fi
count() { # count WORD
    awk -v word="$1" '$2 == word { print $3 }' "$report" | tail -n 1
}
passing=$(count pass) failing=$(count fail)
echo "${passing:-0} passed, ${failing:-0} failed"
[[ $passed -eq 1 ]]
