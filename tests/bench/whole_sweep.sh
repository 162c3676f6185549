#!/usr/bin/env bash
# A whole sweep by dfsweep, on one worker and on two, beside a shell loop over a
# PyTorch script that trains the same trials, and Optuna running that script.
# Usage:
#   tests/bench/whole_sweep.sh [KEY=VALUE …]   # of sweeps/quickstart.yaml
# Prints a table, in about a quarter of an hour on two cores. Needs a build (in
# DFSWEEP_BUILD, else build/) and the .venv of deploy/setup.sh; Optuna is left out
# unless DFSWEEP_PEERS_PYTHON or coordinator_load.sh's Python has it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
dfsweep=${DFSWEEP_BUILD:-$root/build}/bin/dfsweep
python=${DFSWEEP_PYTHON:-$root/.venv/bin/python}
sweep=$root/sweeps/quickstart.yaml
data=$root/sweeps/data/wikipedia20.npz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cores=$(nproc)

# seconds COMMAND …: how long it takes; what it says goes to a log.
seconds() {
  local start end
  start=$(date +%s.%N)
  "$@" >>"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
  end=$(date +%s.%N)
  awk "BEGIN {print $end - $start}"
}
sweep_with() {  # sweep_with STORE SLOTS OVERRIDE …
  local store=$1 slots=$2
  shift 2
  "$dfsweep" run "$sweep" "$@" --store "$work/$store" --slots "$slots" \
    --trainer-threads $((cores / slots > 0 ? cores / slots : 1)) \
    --format jsonl --output "$work/$store.jsonl"
}
loop() {  # one trial after another, as a shell loop would
  local number=0 row
  while IFS= read -r row; do
    number=$((number + 1))
    echo "$row" >"$work/trial.json"
    "$python" "$root/tests/reference/train_df.py" "$work/trial.json" "$data" \
      --seed "$number" --threads "$cores" >>"$work/loop.jsonl"
  done <"$work/one.jsonl"
}

peers_python=${DFSWEEP_PEERS_PYTHON:-${TMPDIR:-/tmp}/dfsweep_peers/bin/python}
study() {
  "$peers_python" "$root/tests/bench/optuna_sweep.py" "$work/one.jsonl" \
    "$python" "$root/tests/reference/train_df.py" "$data" "$cores"
}

one=$(seconds sweep_with one 1 "$@")
two=$(seconds sweep_with two 2 "$@")
pytorch=$(seconds loop)
optuna=0
if "$peers_python" -c 'import optuna' 2>/dev/null; then
  optuna=$(seconds study)
else
  echo "no Optuna at $peers_python: left out" >&2
fi
"$python" - "$work" "$one" "$two" "$pytorch" "$optuna" <<'PYTHON'
import collections
import json
import statistics
import sys

work, one, two, pytorch, optuna = sys.argv[1], *map(float, sys.argv[2:])
rows = [json.loads(line) for line in open(f"{work}/one.jsonl")]
again = [json.loads(line) for line in open(f"{work}/two.jsonl")]
peers = [json.loads(line) for line in open(f"{work}/loop.jsonl")]
print(f"{len(rows)} trials, {sum(len(r['learning_curve']) for r in rows)} epochs")
print("| | wall time | |\n|---|---|---|")
print(f"| PyTorch script in a loop | {pytorch:.0f} s | |")
if optuna:
    print(f"| the script by Optuna, a job a core | {optuna:.0f} s | {pytorch / optuna:.2f} × |")
print(f"| dfsweep, one slot | {one:.0f} s | {pytorch / one:.2f} × |")
print(f"| dfsweep, two slots | {two:.0f} s | {pytorch / two:.2f} × |")
same = [a["accuracy_matrix"] == b["accuracy_matrix"] for a, b in zip(rows, again)]
print(f"\nrows of one slot that are equal to those of two: {sum(same)} of {len(rows)}")
average = collections.defaultdict(lambda: ([], []))
for row, peer in zip(rows, peers):
    p = row["parameters"]
    mine, theirs = average[p["strategy"], p.get("ewc.lambda", "")]
    mine.append(statistics.mean(row["accuracy_matrix"][-1]))
    theirs.append(statistics.mean(peer["accuracy_matrix"][-1]))
print("\n| strategy | λ | dfsweep | PyTorch |\n|---|---|---|---|")
for (strategy, strength), (mine, theirs) in average.items():
    print(f"| {strategy} | {strength} | {statistics.mean(mine):.3f} | "
          f"{statistics.mean(theirs):.3f} |")
PYTHON
