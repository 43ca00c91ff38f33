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

if [[ $missing -eq 1 && ${CI:-} == true ]]; then
    echo 'a skipped test is a failure in CI' >&2
    exit 1
fi
