#!/usr/bin/env bash
# Another version beside this one: each one's coordinator with the other one's
# worker and command line, and a store that the other has begun.
#   tests/faults/versions.sh OTHER_BUILD
# OTHER_BUILD is the build folder of another commit, with tests; this one's is
# in DFSWEEP_BUILD, else build/.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
this=${DFSWEEP_BUILD:-$root/build}
other=$(cd "${1:?the other build folder}" && pwd)
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT

sweep() {  # NAME SEEDS
  cat >"$folder/$1.yaml" <<YAML
name: $1
dataset: $root/sweeps/data/wikipedia20.npz
method: grid
seeds: $2
parameters: {strategy: [naive, joint], sequence_length: 64, epochs: 2}
YAML
  echo "$folder/$1.yaml"
}

# serve BUILD STORE: sets $address and $coordinator.
serve() {
  "$1/bin/dfsweep-coordinator" --listen 127.0.0.1:0 --store "$2" \
    >"$folder/address" 2>>"$folder/coordinator.log" &
  coordinator=$!
  until grep -qs 'listening on' "$folder/address"; do sleep 0.1; done
  address=$(sed 's/listening on //' "$folder/address")
}

# run_there TITLE COORDINATOR_BUILD WORKER_BUILD STORE
run_there() {
  serve "$2" "$4"
  DFSWEEP_NOOP_EPOCH_MS=20 "$3/bin/dfsweep-worker" --coordinator "$address" \
    --name worker --state "$folder/worker" --no-probe --config /dev/null \
    --trainer "$3/tests/bin/dfsweep-noop-trainer" 2>>"$folder/worker.log" &
  local worker=$! name
  name=s$(ls "$folder"/*.yaml 2>/dev/null | wc -l)
  export DFSWEEP_COORDINATOR=$address
  "$3/bin/dfsweep" submit "$(sweep "$name" 5)" >/dev/null 2>>"$folder/cli.log"
  timeout 60 "$3/bin/dfsweep" watch "$name" >/dev/null 2>&1 || true
  local done_rows
  done_rows=$("$3/bin/dfsweep" results "$name" --trials --format jsonl |
    grep -c '"status":"completed"' || true)
  kill "$worker" "$coordinator"
  wait "$worker" "$coordinator" 2>/dev/null || true
  [ "$done_rows" = 10 ] && echo "ok: $1" && return
  echo "FAILED: $1: $done_rows of 10 rows"
  tail -n 5 "$folder"/*.log
  exit 1
}

run_there "this coordinator, the other's worker and command line" \
  "$this" "$other" "$folder/store-1"
run_there "the other's coordinator, this worker and command line" \
  "$other" "$this" "$folder/store-2"
run_there "this coordinator on the other's store" \
  "$this" "$this" "$folder/store-2"
