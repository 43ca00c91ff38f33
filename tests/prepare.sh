#!/usr/bin/env bash
# Sets up what tests need beyond Rust, where it may. Elsewhere it says in one
# line what is skipped and how to get it; with CI=true that is a failure.
set -euo pipefail

missing=0

need() { # need COMMAND DEBIAN-PACKAGE WHAT-FOR
    command -v "$1" >/dev/null && return
    if [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
        apt-get update --quiet --quiet >/dev/null || true
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends "$2" >/dev/null || true
    fi
    command -v "$1" >/dev/null && return
    echo "skipped: $3; install $1 (Debian: apt-get install $2)" >&2
    missing=1
}

need xmllint libxml2-utils 'checking documents against the XML Schemas'
need curl curl 'the examples of the README'
need node nodejs 'Node as a client'
need strace strace 'the order of what reaches the disk'
need python3 python3 'Python as a client, and comparing the server with /openapi.json'
need valgrind valgrind 'the instructions of the hot paths'
need npm npm 'the plugin template for JavaScript, and the web console'
# Elsewhere than in Debian the same browser has another name.
command -v google-chrome >/dev/null || command -v chromium-browser >/dev/null || need chromium chromium 'the web console'

# The package would start a Prometheus of its own; what is asked whether it may says no.
policy=/usr/sbin/policy-rc.d
made=
if ! command -v promtool >/dev/null && [[ $(id -u) -eq 0 && ! -e $policy && -d ${policy%/*} ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made=1
    trap 'rm -f "$policy"' EXIT
fi
need promtool prometheus 'the alerts and the dashboard'
if [[ -n $made ]]; then
    rm -f "$policy"
    trap - EXIT
    # Nor at the next start of the machine.
    systemctl --quiet disable prometheus 2>/dev/null || true
fi

# The tests start a server of their own, in a folder of its own; the package would make and start one too.
postgres() {
    local version
    for version in /usr/lib/postgresql/*/bin/initdb; do
        version=${version#/usr/lib/postgresql/}
        [[ ${version%%/*} =~ ^[0-9]+$ && ${version%%/*} -ge 15 ]] && return
    done
    return 1
}
if ! postgres && [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    apt-get update --quiet --quiet >/dev/null || true
    conf=/etc/postgresql-common
    if [[ ! -e $conf/createcluster.conf ]]; then
        mkdir -p "$conf"
        echo 'create_main_cluster = false' >"$conf/createcluster.conf"
    fi
    # The file is there already, on purpose: it stays.
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends \
        -o Dpkg::Options::=--force-confold postgresql >/dev/null || true
fi
if ! postgres; then
    echo 'skipped: tasks in PostgreSQL; install PostgreSQL 15 or later (Debian: apt-get install postgresql)' >&2
    missing=1
fi

# What the plugin template for C takes; no command stands for all of it.
c_packages=(clang lld wasi-libc libclang-rt-dev-wasm32)
wasi_c=$(dirname "$0")/templates/wasi_c.sh
if ! "$wasi_c" && [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
    apt-get update --quiet --quiet >/dev/null || true
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends "${c_packages[@]}" >/dev/null || true
fi
if ! "$wasi_c"; then
    echo "skipped: the plugin template for C; install what is on Debian: apt-get install ${c_packages[*]}" >&2
    missing=1
fi

# Python packages go into a folder of their own inside target/, again when their list changes.
venv=$(cd "$(dirname "$0")/.." && pwd)/target/venv
wanted=$(dirname "$0")/requirements.txt
if command -v python3 >/dev/null && ! cmp --silent "$wanted" "$venv/requirements.txt"; then
    # Debian splits what `python3 -m venv` needs into a package of its own.
    if ! python3 -c 'import ensurepip' 2>/dev/null && [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; then
        apt-get update --quiet --quiet >/dev/null || true
        DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends python3-venv >/dev/null || true
    fi
    if python3 -m venv --clear "$venv" >/dev/null &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >/dev/null; then
        cp "$wanted" "$venv/requirements.txt"
    else
        echo 'skipped: requests as a client, comparing the server with /openapi.json; install python3-venv and be online' >&2
        rm -rf "$venv"
        missing=1
    fi
fi

# An S3 server that keeps what it has when it is killed; built by itself, so that its dependencies have no say
# in ours.
s3=$(cd "$(dirname "$0")/.." && pwd)/target/s3s-fs
version=0.13.0
if [[ ! -e $s3/bin/s3s-fs || $(cat "$s3/version" 2>/dev/null) != "$version" ]]; then
    # It need not be fast: it is built in half the time.
    if CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off "${CARGO:-cargo}" install --quiet --locked \
        --root "$s3" --target-dir "$s3/build" --version "$version" --features binary s3s-fs; then
        echo "$version" >"$s3/version"
        rm -rf "$s3/build"
    else
        echo 'skipped: an S3 server that dies; be online' >&2
        missing=1
    fi
fi

# So do those for Node.
console=$(cd "$(dirname "$0")/.." && pwd)/target/console
wanted=$(dirname "$0")/console/package-lock.json
if command -v npm >/dev/null && ! cmp --silent "$wanted" "$console/ready.json"; then
    mkdir -p "$console"
    cp "$(dirname "$wanted")/package.json" "$wanted" "$console"
    if npm ci --prefix "$console" --no-audit --no-fund --loglevel=error >/dev/null; then
        cp "$wanted" "$console/ready.json"
    else
        echo 'skipped: the web console; be online' >&2
        missing=1
    fi
fi

if [[ $missing -eq 1 && ${CI:-} == true ]]; then
    echo 'a skipped test is a failure in CI' >&2
    exit 1
fi
