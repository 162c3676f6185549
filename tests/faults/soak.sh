#!/usr/bin/env bash
# The long forms of kill_test and chaos_test. docs/reliability.md has their
# figures.
#   tests/faults/soak.sh [SEED]            1,000 kills and suspensions over 504
#                                          trials of the no-op trainer, 13 min
#   tests/faults/soak.sh training [SEED]   100 over 15 trials that train
#   tests/faults/soak.sh chaos [SEED]      600 faults of all kinds, several at a
#                                          time, over 240 trials of the no-op one
#   tests/faults/soak.sh chaos-training [SEED]  80 over 24 trials that train
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
kind=
case ${1:-} in training|chaos|chaos-training) kind=$1; shift ;; esac
case $kind in
  "") program=kill_test test='*DoubleNothing' faults=1000 seeds=84 epoch_ms=250 ;;
  training) program=kill_test test='*RealTraining*' faults=100 seeds=5 epoch_ms=0 ;;
  chaos) program=chaos_test test='*DoubleNothing' faults=600 seeds=40 epoch_ms=250 ;;
  chaos-training)
    program=chaos_test test='*RealTraining' faults=80 seeds=8 epoch_ms=0 ;;
esac
export DFSWEEP_FAULTS=${DFSWEEP_FAULTS:-$faults}
export DFSWEEP_FAULT_SEEDS=${DFSWEEP_FAULT_SEEDS:-$seeds}
export DFSWEEP_FAULT_EPOCH_MS=${DFSWEEP_FAULT_EPOCH_MS:-$epoch_ms}
export DFSWEEP_FAULT_SEED=${1:-1}
export DFSWEEP_BIN=${DFSWEEP_BUILD:-$root/build}/bin
exec "$DFSWEEP_BIN/../tests/bin/$program" --gtest_filter="$test"
