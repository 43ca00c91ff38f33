#!/usr/bin/env bash
# A plugin of every template: made by `tintype plugin new`, built and tested with the commands of its
# own README, loaded by a server that runs, and compared byte by byte with what it should make of a
# picture. Needs `make build` and `tests/prepare.sh`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../serve.sh
source "$here/../serve.sh"

# An author's shell is not inside of our make, and finds the tools that are built beside the server.
unset MAKEFLAGS MAKELEVEL MFLAGS CARGO_TARGET_DIR RUSTFLAGS
PATH=$root/target/release:$PATH
passed=0
failed=0

# No template may need WASI, not even one with nothing in it.
plugins=$scratch/plugins
mkdir "$plugins"
SERVER_PLUGINS=$plugins serve --allow-wasi false
python3 "$here/../clients/picture.py" make "$scratch/picture.png"
python3 "$here/expected.py" "$scratch/picture.png" Comment 'Grüße' >"$scratch/expected.png"

commands() { # commands SECTION README; what is to be typed there
    awk -v section="## $1" '/^## /{ inside = ($0 == section) } inside && sub(/^    /, "")' "$2"
}

is_loaded() { # is_loaded OPERATION
    curl --silent --fail -H 'Accept: application/json' "$url/plugins" | grep -q "\"name\":\"$1\""
}

process() { # process OPERATION INPUT OUTPUT; waits for the result, or for the reason why there is none
    curl --silent --show-error --location -H 'Content-Type: image/png' -H 'Prefer: wait=60' \
        --data-binary "@$2" "$url/images/tasks?operation=$1&text=Gr%C3%BC%C3%9Fe" -o "$3"
}

try() { # try LANGUAGE COMPONENT; the folder is the project's
    set -e
    tintype plugin new "try-$1" --lang "$1"
    cd "try-$1"
    if [[ $1 == rust ]]; then
        # Kept, because wit-bindgen takes half a minute.
        mkdir -p "$root/target/templates/rust"
        ln -s "$root/target/templates/rust" target
    fi
    commands Build README.md >"$scratch/build.sh"
    commands Test README.md >"$scratch/test.sh"
    [[ -s $scratch/build.sh && -s $scratch/test.sh ]]
    bash -euxo pipefail "$scratch/build.sh"
    bash -euxo pipefail "$scratch/test.sh"

    local tries=0
    cp "$2" "$plugins/$1.wasm"
    until is_loaded "try-$1"; do
        if grep "$1.wasm" "$scratch/server.log" | grep 'not loaded' || [[ $((tries += 1)) -gt 1200 ]]; then
            return 1
        fi
        sleep 0.1
    done
    process "try-$1" "$scratch/picture.png" labelled.png
    cmp labelled.png "$scratch/expected.png"
    process "try-$1" "$2" no-picture
    grep '<code>invalid-image</code>' no-picture
}

template() { # template LANGUAGE COMPONENT
    local begin=$SECONDS
    # In a process of its own: `set -e` has no effect inside a condition.
    if (cd "$scratch" && export -f try commands is_loaded process &&
        export here root url scratch plugins &&
        timeout 400 bash -euo pipefail -c 'try "$@"' try "$1" "$2") >"$scratch/$1.log" 2>&1; then
        passed=$((passed + 1))
        echo "$1: $((SECONDS - begin)) s, $(stat -c %s "$plugins/$1.wasm") bytes"
    else
        failed=$((failed + 1))
        echo "$1:" >&2
        tail -n 60 "$scratch/$1.log" >&2
        grep 'not loaded' "$scratch/server.log" >&2 || true
    fi
}

skipped() { # skipped WHAT; where it counts, that is a failure
    echo "skipped: the template for $1" >&2
    if [[ ${CI:-} == true ]]; then
        failed=$((failed + 1))
    fi
}

sysroot=$(rustc --print sysroot)
if compgen -G "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib/libstd-*.rlib" >/dev/null &&
    compgen -G "$sysroot/lib/rustlib/*/bin/wasm-component-ld" >/dev/null; then
    template rust target/wasm32-unknown-unknown/release/plugin.wasm
else
    skipped 'Rust; install Rust by rustup, and rustup target add wasm32-unknown-unknown'
fi
if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    template javascript build/try-javascript.wasm
else
    skipped 'JavaScript; install node 20 or later with npm'
fi
if python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    template python build/try-python.wasm
else
    skipped 'Python; install Python 3.10 or later with venv (Debian: apt-get install python3-venv)'
fi
if "$here/wasi_c.sh"; then
    template c build/try-c.wasm
else
    skipped 'C; install clang, lld and wasi-libc (Debian: apt-get install clang lld wasi-libc libclang-rt-dev-wasm32)'
fi

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
