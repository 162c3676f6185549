#!/usr/bin/env bash
# The long forms of kill_test. docs/reliability.md has their figures.
#   tests/faults/soak.sh [SEED]            1,000 kills and suspensions over 504
#                                          trials of the no-op trainer, 13 min
#   tests/faults/soak.sh training [SEED]   100 over 15 trials that train
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ "${1:-}" = training ]; then
  shift
  test='Kill.*RealTraining*' kills=100 seeds=5
else
  test='Kill.*DoubleNothing' kills=1000 seeds=84
fi
export DFSWEEP_KILLS=${DFSWEEP_KILLS:-$kills} DFSWEEP_KILL_SEEDS=${DFSWEEP_KILL_SEEDS:-$seeds}
export DFSWEEP_KILL_EPOCH_MS=${DFSWEEP_KILL_EPOCH_MS:-250} DFSWEEP_KILL_SEED=${1:-1}
export DFSWEEP_BIN=${DFSWEEP_BUILD:-$root/build}/bin
exec "$DFSWEEP_BIN/../tests/bin/kill_test" --gtest_filter="$test"
