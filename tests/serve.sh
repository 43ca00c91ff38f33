# Sourced by runners that need the real server: starts it on a free loopback port with a data folder
# of its own, and stops it when the script ends. Sets `url` and `scratch`; flags are passed on.
# SERVER_PLUGINS is another folder than the bundled plugins'.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
server=

stop() {
    if [[ -n $server ]]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap stop EXIT

serve() { # serve [FLAG…]
    "${SERVER_BINARY:-$root/target/release/tintype}" serve --listen 127.0.0.1:0 --data-dir "$scratch/data" \
        --plugins-dir "${SERVER_PLUGINS:-$root/target/plugins}" --log info --log-format json "$@" >"$scratch/server.log" 2>&1 &
    server=$!
    # With port 0 the system chooses; the server says what it got.
    local address='' tries=0
    until [[ -n $address ]] && curl --silent --fail --output /dev/null "http://$address/health/ready"; do
        if ! kill -0 "$server" 2>/dev/null || [[ $((tries += 1)) -gt 600 ]]; then
            echo 'the server did not start:' >&2
            cat "$scratch/server.log" >&2
            exit 1
        fi
        sleep 0.1
        address=$(grep -o '127\.0\.0\.1:[0-9]*' "$scratch/server.log" | grep -v ':0$' | head -n 1 || true)
    done
    # shellcheck disable=SC2034 # for the script that sources this one
    url=http://$address
}
