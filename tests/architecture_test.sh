#!/usr/bin/env bash
# The arrows of docs/architecture.md, checked. Usage: architecture_test.sh BIN
# Prints every violation; exit 1 if there is one.
set -u
cd "$(dirname "$0")/.."
bin=$1
bad=0

# forbid WHERE PATTERN WHY [BUT]: no file under WHERE may #include what matches,
# but for what matches BUT too.
forbid() {
  local found
  found=$(grep -rnE "^#include [<\"]($2)" $1 --include='*.h' --include='*.cc' |
    grep -vE "#include \"(${4:-nothing})\"")
  [ -z "$found" ] || { printf '%s\n%s\n' "$3" "$found"; bad=1; }
}

forbid "base cli coordinator worker sweeps proto model/config model/data model/protocol" \
  'torch/|ATen/|c10/' "only the trainer's part of model/ sees LibTorch:"
forbid "base sweeps model coordinator/core coordinator/store coordinator/results" \
  'grpc|google/protobuf|dfsweep/v1' "only services, worker and CLI see gRPC:"
forbid "model" 'absl/|base/|sweeps/|coordinator/|worker/|cli/' \
  "model/ builds alone, without Abseil or the rest of the project:" \
  'base/build_id.h|base/nearest.h|base/version.h'
forbid "base" 'sweeps/|coordinator/|worker/|cli/|model/' "base is a leaf:"
forbid "sweeps" 'coordinator/|worker/|cli/' "sweeps knows no process:"
forbid "worker cli" 'coordinator/' "worker and CLI know the coordinator by its wire:"
forbid "coordinator/core" 'sqlite|thread|mutex|fstream|base/clock' \
  "the scheduler is pure:"

links() { ldd "$bin/$1" 2>/dev/null | grep -E "$2"; }
if [ -x "$bin/dfsweep-trainer" ] &&
    links dfsweep-trainer 'libgrpc|libprotobuf|libabsl'; then
  echo "dfsweep-trainer must not link gRPC, Protobuf or Abseil"
  bad=1
fi
for program in dfsweep dfsweep-coordinator dfsweep-worker; do
  if links $program 'libtorch|libc10'; then
    echo "$program must not link LibTorch"
    bad=1
  fi
done
[ $bad = 0 ] && echo "all arrows point one way"
exit $bad
