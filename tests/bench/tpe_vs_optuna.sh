#!/usr/bin/env bash
# Whether dfsweep's tpe search finds what Optuna's finds. Usage:
#   tests/bench/tpe_vs_optuna.sh [--trials N] [--seeds N]
# Prints a table, in about five minutes on one core. Needs a build with tests (in
# DFSWEEP_BUILD, else build/), and a Python with Optuna (in DFSWEEP_PYTHON; else
# one is set up in a folder that is kept for the next time).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${DFSWEEP_BUILD:-$root/build}/tests/bin/tpe_bench
[ -x "$program" ] || { echo "$program is not there: build with tests first" >&2; exit 1; }
python=${DFSWEEP_PYTHON:-}
if [ -z "$python" ]; then
  venv=${TMPDIR:-/tmp}/dfsweep_optuna
  python=$venv/bin/python
  [ -x "$python" ] || { python3 -m venv "$venv"; "$python" -m pip install -q optuna; }
fi
exec "$python" "$root/tests/bench/tpe_vs_optuna.py" "$program" "$@"
