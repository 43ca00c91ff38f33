#!/usr/bin/env bash
# Schemathesis sends what /openapi.json allows, and what it doesn't, to the real server, and compares
# the answers with the document. Needs `make build` and `tests/prepare.sh`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../serve.sh
source "$here/../serve.sh"
schemathesis=$root/target/venv/bin/schemathesis
if [[ ! -x $schemathesis ]]; then
    echo 'skipped: comparing the server with /openapi.json; tests/prepare.sh sets it up' >&2
    echo "0 passed, $([[ ${CI:-} == true ]] && echo 1 || echo 0) failed"
    [[ ${CI:-} != true ]]
    exit
fi
# Nobody prefers to wait for long here, and nothing that is submitted is worth much time.
serve --max-wait 1s --deadline 5s

# A task that went well, without which there would be no image to ask for, and one to be deleted.
python3 "$here/../clients/picture.py" make "$scratch/picture.png"
submit() {
    local id
    id=$(curl --silent --show-error --fail "$url/images/tasks?operation=grayscale" \
        -H 'Content-Type: image/png' -H 'Accept: application/json' --data-binary "@$scratch/picture.png" |
        grep -o '"id":"[^"]*"' | cut -d '"' -f 4)
    # The stream of events ends with the task.
    curl --silent --show-error --fail --output /dev/null --max-time 60 "$url/images/task/$id/events"
    echo "$id"
}
TASK=$(submit)
SPARE=$(submit)
export TASK SPARE

cd "$scratch"
if SCHEMATHESIS_HOOKS=$here/hooks.py PYTHONDONTWRITEBYTECODE=1 timeout 300 "$schemathesis" \
    --config-file "$here/schemathesis.toml" run "$url/openapi.json" --no-color >report 2>&1; then
    echo '1 passed, 0 failed'
else
    cat report >&2
    echo '0 passed, 1 failed'
    exit 1
fi
