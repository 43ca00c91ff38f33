#!/usr/bin/env bash
# Runs fuzz targets, one after the other: `fuzz/run.sh SECONDS [TARGET…]`. What is found along the
# way is kept in target/fuzz; an input that breaks something is named in the last lines.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
shift || true
if [[ $# -gt 0 ]]; then
    targets=("$@")
else
    mapfile -t targets < <(ls targets | sed 's/\.rs$//')
fi
command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz

out=$(cd .. && pwd)/target/fuzz
passed=0
failed=0
for target in "${targets[@]}"; do
    mkdir -p "$out/corpus/$target" "$out/found/$target"
    log=$out/$target.log
    if cargo +nightly fuzz run --fuzz-dir . --target-dir "$out" "$target" "$out/corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -dict="dictionaries/$target.dict" -artifact_prefix="$out/found/$target/" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "$target: $(grep -E 'DONE' "$log" | tail -n 1)"
    else
        failed=$((failed + 1))
        echo "$target: FAILED, see $log" >&2
        tail -n 30 "$log" >&2
    fi
done
echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
