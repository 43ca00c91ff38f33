#!/usr/bin/env bash
# Clients that we didn't write submit a picture and fetch the result, each in the ways its own
# documentation teaches. Needs `make build` and `tests/prepare.sh`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../serve.sh
source "$here/../serve.sh"
serve

export PICTURE=$scratch/picture.png PYTHONDONTWRITEBYTECODE=1
python3 "$here/picture.py" make "$PICTURE"
passed=0
failed=0

client() { # client NAME COMMAND…
    local name=$1
    shift
    if timeout 120 "$@" >"$scratch/$name.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name:" >&2
        cat "$scratch/$name.log" >&2
    fi
}

skipped() { # skipped WHAT; where it counts, that is a failure
    echo "skipped: $1" >&2
    if [[ ${CI:-} == true ]]; then
        failed=$((failed + 1))
    fi
}

client curl "$here/curl.sh" "$url" "$scratch"
client python-email python3 "$here/python_email.py" "$url"
if [[ -x $root/target/venv/bin/python ]]; then
    client python-requests "$root/target/venv/bin/python" "$here/python_requests.py" "$url"
else
    skipped 'Python requests; tests/prepare.sh sets it up'
fi
if command -v node >/dev/null; then
    client node-fetch node "$here/node_fetch.mjs" "$url" "$scratch"
else
    skipped 'Node fetch; install node 18 or later (Debian: apt-get install nodejs)'
fi
# A JDK is large and its client plain: optional, in CI too.
# It runs from source, which takes the compiler that a JRE doesn't have.
if command -v java >/dev/null && java --list-modules 2>/dev/null | grep -q '^jdk\.compiler@'; then
    client java-httpclient java "$here/JavaClient.java" "$url"
else
    echo 'skipped: Java HttpClient; install a JDK 17 or later (optional)' >&2
fi

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
