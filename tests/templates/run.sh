#!/usr/bin/env bash
# A plugin of every template, each kind in each language: made by `tintype plugin new`, built and tested
# with the commands of its own README, checked, loaded by a server that runs, and compared with what it
# should make of a picture. Needs `make build` and `tests/prepare.sh`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../serve.sh
source "$here/../serve.sh"

# An author's shell is not inside of our make, and finds the tools that are built beside the server.
unset MAKEFLAGS MAKELEVEL MFLAGS CARGO_TARGET_DIR RUSTFLAGS
PATH=$root/target/release:$PATH
# A line for each template that was tried: passed, or failed.
outcomes=$scratch/outcomes
touch "$outcomes"
readonly PPM=image/x-portable-pixmap

# No template may need WASI, not even one with nothing in it.
plugins=$scratch/plugins
mkdir "$plugins"
cp "$root"/target/plugins/*.wasm "$plugins"
SERVER_PLUGINS=$plugins serve --allow-wasi false --compiled-dir "$scratch/compiled"
python3 "$here/../clients/picture.py" make "$scratch/picture.png"
python3 "$here/expected.py" label "$scratch/picture.png" Comment 'Grüße' >"$scratch/labelled.png"
python3 "$here/expected.py" ppm "$scratch/picture.png" >"$scratch/picture.ppm"

commands() { # commands SECTION README; what is to be typed there
    awk -v section="## $1" '/^## /{ inside = ($0 == section) } inside && sub(/^    /, "")' "$2"
}

is_listed() { # is_listed NAME
    curl --silent --fail -H 'Accept: application/json' "$url/plugins" | grep -q "\"name\":\"$1\""
}

process() { # process QUERY TYPE INPUT OUTPUT; waits for the result, or for the reason why there is none
    curl --silent --show-error --location -H "Content-Type: $2" -H 'Prefer: wait=60' \
        --data-binary "@$3" "$url/images/tasks?$1" -o "$4"
}

is_refused() { # is_refused QUERY TYPE INPUT; whether it is called no picture
    process "$1" "$2" "$3" no-picture
    grep '<code>invalid-image</code>' no-picture
}

load() { # load NAME COMPONENT
    local tries=0
    cp "$2" "$plugins/$1.wasm"
    until is_listed "$1"; do
        if grep "$1.wasm" "$scratch/server.log" | grep 'not loaded' || [[ $((tries += 1)) -gt 1200 ]]; then
            return 1
        fi
        sleep 0.1
    done
}

try_filter() { # try_filter NAME COMPONENT
    process "operation=$1&strength=0.5&output=image/bmp" image/png "$scratch/picture.png" brown.bmp
    python3 "$here/expected.py" sepia "$scratch/picture.png" brown.bmp
    process "operation=$1&strength=2" image/png "$scratch/picture.png" refused
    grep 'strength' refused
    is_refused "operation=$1" image/png "$2"
}

try_processor() { # try_processor NAME COMPONENT
    process "operation=$1&text=Gr%C3%BC%C3%9Fe" image/png "$scratch/picture.png" labelled.png
    cmp labelled.png "$scratch/labelled.png"
    is_refused "operation=$1&text=hello" image/png "$2"
}

try_codec() { # try_codec NAME COMPONENT
    process 'operation=flip&output=image/png' "$PPM" "$scratch/picture.ppm" flipped.png
    python3 "$here/../clients/picture.py" check flipped.png 64 48
    process "operation=flip&output=$PPM" image/png flipped.png picture.ppm
    cmp picture.ppm "$scratch/picture.ppm"
    printf 'P6 1 1 255 ' >half.ppm
    is_refused 'operation=flip' "$PPM" half.ppm
    rm "$plugins/$1.wasm"
    while is_listed "$1"; do
        sleep 0.1
    done
}

# What a language's tools install is made once: it takes minutes, and is the same for every kind.
install_once() { # install_once LANGUAGE
    case $1 in
    rust)
        # Kept from run to run, because wit-bindgen takes half a minute.
        mkdir -p "$root/target/templates/rust"
        ln -s "$root/target/templates/rust" target
        ;;
    javascript)
        if [[ -e ../node_modules ]]; then
            mv ../node_modules .
        fi
        ;;
    python)
        if [[ -e ../try-python-filter/.venv/ready ]]; then
            ln -s ../try-python-filter/.venv .venv
            # Newer than what says what to install.
            touch .venv/ready
        fi
        ;;
    esac
}

try() { # try LANGUAGE KIND COMPONENT; the folder is the project's
    set -e
    local name=try-$1-$2
    tintype plugin new "$name" --lang "$1" --kind "$2"
    cd "$name"
    install_once "$1"
    commands Build README.md >build.sh
    commands Test README.md >test.sh
    [[ -s build.sh && -s test.sh ]]
    bash -euxo pipefail build.sh
    bash -euxo pipefail test.sh
    [[ ! -e node_modules ]] || mv node_modules ..

    local component=${3//NAME/$name}
    if [[ $2 == codec ]]; then
        # All have the same format: there may be one at a time.
        exec 9>"$scratch/codec.lock"
        flock 9
    fi
    load "$name" "$component"
    # The server has compiled it.
    tintype plugin check "$component" --allow-wasi false --compiled-dir "$scratch/compiled"
    "try_$2" "$name" "$component"
}

template() { # template LANGUAGE COMPONENT
    local kind begin log
    for kind in filter processor codec; do
        begin=$SECONDS
        log=$scratch/$1-$kind.log
        # In a process of its own: `set -e` has no effect inside a condition.
        if (cd "$scratch" && export -f try try_filter try_processor try_codec install_once load commands is_listed is_refused process &&
            export here root url scratch plugins PPM &&
            timeout 400 bash -euo pipefail -c 'try "$@"' try "$1" "$kind" "$2") >"$log" 2>&1; then
            echo passed >>"$outcomes"
            echo "$1, $kind: $((SECONDS - begin)) s"
        else
            echo failed >>"$outcomes"
            echo "$1, $kind:" >&2
            tail -n 60 "$log" >&2
            grep 'not loaded' "$scratch/server.log" >&2 || true
        fi
    done
}

skipped() { # skipped WHAT; where it counts, that is a failure
    echo "skipped: the templates for $1" >&2
    if [[ ${CI:-} == true ]]; then
        echo failed >>"$outcomes"
    fi
}

# All at once: much of the time is spent waiting for packages, and for what has one thread.
languages=()
sysroot=$(rustc --print sysroot)
if compgen -G "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib/libstd-*.rlib" >/dev/null &&
    compgen -G "$sysroot/lib/rustlib/*/bin/wasm-component-ld" >/dev/null; then
    template rust target/wasm32-unknown-unknown/release/plugin.wasm &
    languages+=($!)
else
    skipped 'Rust; install Rust by rustup, and rustup target add wasm32-unknown-unknown'
fi
if command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    template javascript build/NAME.wasm &
    languages+=($!)
else
    skipped 'JavaScript; install node 20 or later with npm'
fi
if python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    template python build/NAME.wasm &
    languages+=($!)
else
    skipped 'Python; install Python 3.10 or later with venv (Debian: apt-get install python3-venv)'
fi
if "$here/wasi_c.sh"; then
    template c build/NAME.wasm &
    languages+=($!)
else
    skipped 'C; install clang, lld and wasi-libc (Debian: apt-get install clang lld wasi-libc libclang-rt-dev-wasm32)'
fi

# Not the server, which ends after everything.
[[ ${#languages[@]} -eq 0 ]] || wait "${languages[@]}"

# What languages make of a picture is the same, byte for byte.
brown=("$scratch"/try-*-filter/brown.bmp)
for other in "${brown[@]:1}"; do
    cmp "${brown[0]}" "$other" || echo failed >>"$outcomes"
done
echo "$(grep -c passed "$outcomes" || true) passed, $(grep -c failed "$outcomes" || true) failed"
! grep -q failed "$outcomes"
