#!/usr/bin/env bash
# Usage: tests/fuzz/run.sh SECONDS [TARGET …]
# Fuzzes what takes hostile input with libFuzzer, under AddressSanitizer and
# UndefinedBehaviorSanitizer, for SECONDS each: all targets, or those named.
# Needs clang with compiler-rt (Debian: clang, libclang-rt-14-dev). What is
# found stays in build-fuzz/found/TARGET, an input that crashes in
# build-fuzz/crashes.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:?usage: tests/fuzz/run.sh SECONDS [TARGET …]}
shift
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  for file in tests/fuzz/*_fuzz.cc; do
    targets+=("$(basename "$file" _fuzz.cc)")
  done
fi
build=build-fuzz
export TMPDIR=${TMPDIR:-/dev/shm}

configure_and_build() {
  cmake -S . -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="${CXX:-clang++}" \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g1" \
    -DDFSWEEP_FUZZ=ON -DDFSWEEP_BUILD_TRAINER=OFF \
    -DDFSWEEP_SANITIZE=fuzzer-no-link,address,undefined
  ninja -C "$build" "${targets[@]/%/_fuzz}"
}

fuzz() {  # fuzz TARGET: one line of what came of it
  local found=$build/found/$1 log=$build/$1.log status=0
  mkdir -p "$found" "$build/crashes"
  "$build/tests/bin/$1_fuzz" "$found" "tests/fuzz/corpus/$1" \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=8192 \
    -print_final_stats=1 \
    -artifact_prefix="$build/crashes/$1-" >"$log" 2>&1 || status=$?
  awk -v target="$1" -v status="$status" '
    /cov: / {for (i = 1; i < NF; ++i) if ($i == "cov:") coverage = $(i + 1)}
    /number_of_executed_units/ {runs = $2}
    END {
      printf "%-14s %10d runs, coverage %6d, %s\n", target, runs, coverage,
        status == 0 ? "no crash" : "CRASHED"
    }' "$log"
  return "$status"
}

mkdir -p "$build"
configure_and_build >"$build/build.log" 2>&1 ||
  { tail -n 30 "$build/build.log" >&2; exit 1; }
failed=0
for target in "${targets[@]}"; do
  fuzz "$target" || { failed=1; tail -n 40 "$build/$target.log" >&2; }
done
exit "$failed"
