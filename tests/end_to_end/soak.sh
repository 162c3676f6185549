#!/usr/bin/env bash
# The long form of kill_test: 1,000 kills and suspensions over 504 trials of the
# no-op trainer, in about 13 minutes. docs/reliability.md has its figures.
#   tests/end_to_end/soak.sh [SEED]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
export DFSWEEP_KILLS=${DFSWEEP_KILLS:-1000} DFSWEEP_KILL_SEEDS=${DFSWEEP_KILL_SEEDS:-84}
export DFSWEEP_KILL_EPOCH_MS=${DFSWEEP_KILL_EPOCH_MS:-250} DFSWEEP_KILL_SEED=${1:-1}
export DFSWEEP_BIN=${DFSWEEP_BUILD:-$root/build}/bin
exec "$DFSWEEP_BIN/../tests/bin/kill_test" --gtest_filter='Kill.*'
