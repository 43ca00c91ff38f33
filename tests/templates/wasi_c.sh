#!/usr/bin/env bash
# Whether clang can build for WebAssembly with a C library: no one command says so.
set -euo pipefail
command -v clang >/dev/null
printf '#include <stdlib.h>\nvoid *take(void) { return malloc(1); }\n' |
    clang --target=wasm32-wasi -mexec-model=reactor -Wl,--export=take -o /dev/null -x c - 2>/dev/null
