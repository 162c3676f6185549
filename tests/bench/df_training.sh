#!/usr/bin/env bash
# How fast Deep Fingerprinting trains here, beside PyTorch, Keras and TensorFlow.
# Usage:
#   tests/bench/df_training.sh [--quick] [options of df_training.py]
# Prints a table, in about ten minutes on two cores; --quick takes two or three.
# Needs a build with tests (in DFSWEEP_BUILD, else build/) and a Python with
# PyTorch (in DFSWEEP_PYTHON, else the repository's .venv). TensorFlow needs nothing but its
# wheel in that Python (`.venv/bin/pip install tensorflow-cpu`), or in another
# one: --tensorflow-python. What isn't there is left out, and said so.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${DFSWEEP_BUILD:-$root/build}/tests/bin/df_training_bench
python=${DFSWEEP_PYTHON:-$root/.venv/bin/python}
for file in "$program" "$python"; do
  [ -x "$file" ] || { echo "$file is not there: build with tests first" >&2; exit 1; }
done
lscpu 2>/dev/null | sed -n 's/^Model name: */CPU: /p; s/^CPU(s): */CPUs: /p'
# torch.compile's work is kept, so that a second run is shorter.
export TORCHINDUCTOR_CACHE_DIR=${TORCHINDUCTOR_CACHE_DIR:-${TMPDIR:-/tmp}/dfsweep_inductor}
exec "$python" "$root/tests/bench/df_training.py" "$program" "$@"
