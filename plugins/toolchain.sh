#!/usr/bin/env bash
# Runs cargo for guests: the one place that knows how they get a standard
# library for wasm32-unknown-unknown. Nobody else may ask rustup or apt.
#
#   plugins/toolchain.sh build --profile guest -p tintype-standard
#
# passes its arguments to cargo, with the target added after the first. The way is the first
# that works:
#
#   installed  the target is there already
#   rustup     rustup fetches it
#   debian     as root on Debian or Ubuntu, apt fetches a compiler and the
#              library's source, and cargo compiles both
#
# TINTYPE_GUEST_TOOLCHAIN=installed|rustup|debian forces one, so that each of
# them can be tested. `plugins/toolchain.sh which` only says which it would be.
set -euo pipefail

readonly TARGET=wasm32-unknown-unknown
# Debian's version of lld that knows Rust's WebAssembly objects.
readonly LLD=19
readonly DEBIAN_PACKAGES=(rustc-web cargo-web rust-web-src "lld-$LLD")

say() { printf 'toolchain.sh: %s\n' "$*" >&2; }

is_installed() {
    local sysroot
    sysroot=$(rustc --print sysroot 2>/dev/null) || return 1
    compgen -G "$sysroot/lib/rustlib/$TARGET/lib/libstd-*.rlib" >/dev/null
}

has_rustup() { command -v rustup >/dev/null; }

has_debian_packages() {
    dpkg-query --show "${DEBIAN_PACKAGES[@]}" >/dev/null 2>&1 &&
        [[ -x /usr/bin/cargo && -x /usr/bin/rustc ]]
}

may_use_apt() { [[ $(id -u) -eq 0 ]] && command -v apt-get >/dev/null; }

add_by_rustup() {
    has_rustup || return 1
    rustup --quiet target add "$TARGET" >&2 && is_installed
}

add_by_debian() {
    has_debian_packages && return 0
    may_use_apt || return 1
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet \
        --no-install-recommends "${DEBIAN_PACKAGES[@]}" >&2 && has_debian_packages
}

# Prints the way, having made it ready.
decide() {
    case ${TINTYPE_GUEST_TOOLCHAIN:-} in
    installed) is_installed && echo installed && return ;;
    rustup) add_by_rustup && echo rustup && return ;;
    debian) add_by_debian && echo debian && return ;;
    '')
        if is_installed; then
            echo installed && return
        fi
        if has_rustup && say "adding $TARGET by rustup" && add_by_rustup; then
            echo rustup && return
        fi
        if has_debian_packages || may_use_apt; then
            say "building the standard library with Debian's packages"
            add_by_debian && echo debian && return
        fi
        ;;
    *)
        say "TINTYPE_GUEST_TOOLCHAIN is '$TINTYPE_GUEST_TOOLCHAIN'; installed, rustup and debian are known"
        return 1
        ;;
    esac
    say "no standard library for $TARGET (way: ${TINTYPE_GUEST_TOOLCHAIN:-any}). Either of these gives one:"
    say "  rustup target add $TARGET"
    say "  apt-get install --no-install-recommends ${DEBIAN_PACKAGES[*]}   (Debian 12 or later, as root)"
    return 1
}

main() {
    if [[ $# -eq 0 ]]; then
        say "usage: plugins/toolchain.sh which | CARGO-ARGUMENTS"
        return 2
    fi
    local way
    way=$(decide)
    if [[ $1 == which ]]; then
        echo "$way"
        return
    fi
    if [[ $way == debian ]]; then
        # These flags replace those of .cargo/config.toml, so that SIMD has to be
        # repeated. The compiler is a stable one, hence the bootstrap variable,
        # which only permits -Z. A library of another compiler must not be found.
        unset RUSTUP_TOOLCHAIN
        RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc \
            RUSTFLAGS="-C linker=wasm-ld-$LLD -C target-feature=+simd128" \
            exec /usr/bin/cargo "$1" -Zbuild-std=std,panic_abort --target "$TARGET" "${@:2}"
    fi
    exec cargo "$1" --target "$TARGET" "${@:2}"
}

main "$@"
