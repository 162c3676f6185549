#!/usr/bin/env bash
# Sets the machine up, builds everything, runs every test, then runs the tests
# of everything but model/'s LibTorch code again under AddressSanitizer and
# UndefinedBehaviorSanitizer. Ends with one line "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/steps.sh

build() { configure_and_build build -DDFSWEEP_BUILD_TESTS=ON; }
build_sanitized() {
  configure_and_build build-asan -DDFSWEEP_BUILD_TRAINER=OFF \
    -DDFSWEEP_SANITIZE=address,undefined
}
# Each run writes its results as JUnit XML, from which the last line is made.
run_tests() {
  ctest --test-dir build --output-on-failure --output-junit results.xml \
    -j "$(nproc)"
}
# Fewer simulated histories: they are many times slower here, and the same. No
# faults of networks and disks: they are about time, which this build takes.
run_sanitized() {
  DFSWEEP_SIM_RUNS=30 ctest --test-dir build-asan --output-on-failure \
    --output-junit results.xml -j "$(nproc)" -LE 'soak|parity|fault'
}
count() {  # count ATTRIBUTE: its sum over the runs
  sed -n "s/^[[:space:]]*$1=\"\([0-9]*\)\"\$/\1/p" build/results.xml \
    build-asan/results.xml 2>/dev/null | awk '{sum += $1} END {print sum + 0}'
}

deploy/setup.sh --tests
step "Build into build/" build "read the first error above"
step "Build with sanitizers into build-asan/" build_sanitized \
  "read the first error above"
rm -f build/results.xml build-asan/results.xml
status=0
say "== Tests …"
run_tests || status=1
say "== Tests under sanitizers …"
run_sanitized || status=1

failed=$(count failures)
skipped=$(($(count skipped) + $(count disabled)))
passed=$(($(count tests) - failed - skipped))
[ "$status" = 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
