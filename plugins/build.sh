#!/usr/bin/env bash
# Builds plugins of this workspace, one component each: the bundled ones into
# target/plugins, or those that are named as CRATE:COMPONENT.
#
#   plugins/build.sh [CRATE:COMPONENT …]
#
#   TINTYPE_PLUGINS_OUT  another folder, relative to the repository's root
#   TINTYPE_ALLOW_WASI   not empty: they may import WASI
#   CARGO_TARGET_DIR     as for cargo
#
# A component that didn't change is left alone, so that a running server has
# nothing to reload. Says nothing unless something changed or failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly BUNDLED=(tintype-standard:standard tintype-codecs:standard-codecs tintype-avif:standard-avif)
plugins=("$@")
[[ $# -gt 0 ]] || plugins=("${BUNDLED[@]}")

quiet=--quiet
[[ -n ${TINTYPE_VERBOSE:-} ]] && quiet=
allow_wasi=
[[ -n ${TINTYPE_ALLOW_WASI:-} ]] && allow_wasi=--allow-wasi
target=${CARGO_TARGET_DIR:-target}
out=${TINTYPE_PLUGINS_OUT:-target/plugins}

mkdir -p "$out"
scratch=$(mktemp -d "$out/.build.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# Optimised, because it compiles once and then runs with every build of a plugin.
cargo build ${quiet:+"$quiet"} --release -p tintype-componentize

for plugin in "${plugins[@]}"; do
    crate=${plugin%%:*}
    component=$out/${plugin##*:}.wasm
    plugins/toolchain.sh build ${quiet:+"$quiet"} --profile guest -p "$crate"
    core=$target/wasm32-unknown-unknown/guest/${crate//-/_}.wasm
    report=$("$target/release/tintype-componentize" ${allow_wasi:+"$allow_wasi"} "$core" "$scratch/component.wasm")
    if ! cmp --silent "$scratch/component.wasm" "$component"; then
        # In the same folder and therefore on the same file system: a rename is
        # all or nothing.
        mv "$scratch/component.wasm" "$component"
        echo "$component: ${report#*: }"
    fi
done
