#!/usr/bin/env bash
# What the coordinator costs: simulated workers empty a sweep of no-op trials.
# Usage:
#   tests/bench/coordinator_load.sh [--workers N] [--trials N] [--seeds N]
#                                   [--training SECONDS] [--results-meanwhile]
#                                   [--status-meanwhile] [--watchers N]
#                                   [--no-peers]
#                                   [--optuna-workers N] [--optuna-trials N]
#                                   [--ray-trials N] [--hyperqueue-tasks N]
# Prints tables of dfsweep, Optuna, Ray Tune and HyperQueue in about five minutes
# on two cores. Needs a build with tests (in DFSWEEP_BUILD, else build/), and a
# Python with optuna, grpcio, ray[tune] and, if it is to be measured, hyperqueue
# (in DFSWEEP_PYTHON; else one is set up in a folder that is kept for the next
# time).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${DFSWEEP_BUILD:-$root/build}
[ -x "$build/tests/bin/coordinator_load" ] ||
  { echo "$build/tests/bin/coordinator_load is not there: build with tests first" >&2; exit 1; }
python=${DFSWEEP_PYTHON:-}
if [ -z "$python" ]; then
  venv=${TMPDIR:-/tmp}/dfsweep_peers
  python=$venv/bin/python
  [ -x "$python" ] || python3 -m venv "$venv"
  "$python" -c 'import optuna, grpc, google.protobuf, ray.tune' 2>/dev/null ||
    "$python" -m pip install -q optuna grpcio protobuf 'ray[tune]'
  # It has wheels for fewer machines than the others.
  "$python" -c 'import hyperqueue' 2>/dev/null ||
    "$python" -m pip install -q hyperqueue || true
fi
exec "$python" "$root/tests/bench/coordinator_load.py" "$build" "$@"
