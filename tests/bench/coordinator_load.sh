#!/usr/bin/env bash
# What the coordinator costs: simulated workers empty a sweep of no-op trials.
# Usage:
#   tests/bench/coordinator_load.sh [--workers N] [--trials N] [--training SECONDS] [--no-optuna]
#                                   [--optuna-workers N] [--optuna-trials N]
# Prints two tables, dfsweep's and Optuna's, in about two minutes on two cores.
# Needs a build with tests (in DFSWEEP_BUILD, else build/), and a Python with
# optuna and grpcio (in DFSWEEP_PYTHON; else one is set up in a folder that is
# kept for the next time).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${DFSWEEP_BUILD:-$root/build}
[ -x "$build/tests/bin/coordinator_load" ] ||
  { echo "$build/tests/bin/coordinator_load is not there: build with tests first" >&2; exit 1; }
python=${DFSWEEP_PYTHON:-}
if [ -z "$python" ]; then
  venv=${TMPDIR:-/tmp}/dfsweep_optuna
  python=$venv/bin/python
  [ -x "$python" ] || python3 -m venv "$venv"
  "$python" -c 'import optuna, grpc, google.protobuf' 2>/dev/null ||
    "$python" -m pip install -q optuna grpcio protobuf
fi
exec "$python" "$root/tests/bench/coordinator_load.py" "$build" "$@"
