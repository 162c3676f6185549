#!/usr/bin/env bash
# From a fresh clone to a table of results: sets the machine up, builds, and
# runs sweeps/quickstart.yaml. About 10 minutes the first time on 2 cores; run
# again, it rebuilds what changed and shows the table at once.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/steps.sh

build() { configure_and_build build -DDFSWEEP_BUILD_TESTS=OFF >&2; }
sweep() { build/bin/dfsweep run sweeps/quickstart.yaml "${SWEEP_FLAGS[@]}"; }
SWEEP_FLAGS=("$@")

start=$SECONDS
deploy/setup.sh
step "Build into build/ (programs in build/bin/)" build \
  "read the first error above; 'rm -rf build' starts afresh"
say "== Sweep sweeps/quickstart.yaml …"
sweep
say ""
say "Everything took $((SECONDS - start)) s. Next: docs/sweep-file.md to write"
say "your own sweep, and 'build/bin/dfsweep --help' for the commands."
