#!/usr/bin/env bash
# A real Prometheus reads a running server, and answers every question of the dashboard and of the
# alerts: a name that is misspelt has no answer. Needs `make build guests` and `tests/prepare.sh`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../serve.sh
source "$here/../serve.sh"
if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
    echo 'skipped: the alerts and the dashboard; install prometheus (Debian: apt-get install prometheus)' >&2
    echo "0 passed, $([[ ${CI:-} == true ]] && echo 1 || echo 0) failed"
    [[ ${CI:-} != true ]]
    exit
fi
rules=$root/docs/monitoring/alerts.yml
passed=0
failed=0

check() { # check NAME COMMAND…
    local name=$1
    shift
    if timeout 120 "$@" >"$scratch/said" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name:" >&2
        cat "$scratch/said" >&2
    fi
}

check 'the rules are rules' promtool check rules "$rules"
check 'every alert fires where it should' promtool test rules "$here/alerts_test.yml"

mkdir "$scratch/plugins"
cp "$root"/target/plugins/*.wasm "$root/target/guests/hostile.wasm" "$scratch/plugins/"
"$root/target/release/tintype" plugin publish "$scratch/plugins" --to "file://$scratch/published" >"$scratch/said"
# A collector that is not there: its figures are, and nobody waits for it.
serve --otlp-endpoint http://127.0.0.1:9 --plugins-from "file://$scratch/published"

prometheus=
stop_all() {
    if [[ -n $prometheus ]]; then
        kill "$prometheus" 2>/dev/null || true
        wait "$prometheus" 2>/dev/null || true
    fi
    stop
}
trap stop_all EXIT

cat >"$scratch/prometheus.yml" <<END
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ['$rules']
scrape_configs:
  - job_name: tintype
    static_configs: [{targets: ['${url#http://}']}]
END
check 'the configuration is one' promtool check config "$scratch/prometheus.yml"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/tsdb" \
    --web.listen-address="127.0.0.1:$port" --log.level=warn >"$scratch/prometheus.log" 2>&1 &
prometheus=$!

python3 "$here/../clients/picture.py" make "$scratch/picture.png"
check 'every question has an answer' python3 "$here/questions.py" \
    "$url" "http://127.0.0.1:$port" "$scratch/picture.png" "$root/docs"
python3 "$here/classic.py" "$url" >"$scratch/metrics"
check 'the figures are named as they should be' promtool check metrics <"$scratch/metrics"

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
