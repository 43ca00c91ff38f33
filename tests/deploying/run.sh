#!/usr/bin/env bash
# Whether what is in deploy/ is what a cluster, Compose and the server understand, and agrees with itself. No
# container is started. Needs `make build` and `tests/prepare.sh`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../serve.sh
source "$here/../serve.sh"
python=$root/target/venv/bin/python
if [[ ! -x $python ]]; then
    echo 'skipped: the files for Kubernetes and Compose; tests/prepare.sh sets up what checks them' >&2
    echo "0 passed, $([[ ${CI:-} == true ]] && echo 1 || echo 0) failed"
    [[ ${CI:-} != true ]]
    exit
fi
serve
PYTHONDONTWRITEBYTECODE=1 "$python" "$here/checks.py" "$root" "$url"
