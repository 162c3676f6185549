#!/usr/bin/env bash
# Speed of DF's training step beside PyTorch and Keras, both sides in one run.
# Usage: tests/bench/df_training.sh [--quick] [options of df_training.py]
# Builds what it needs in build/; the frameworks come from .venv (deploy/setup.sh
# --tests) or $DFSWEEP_PYTHON.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/steps.sh

configure_and_build build -DDFSWEEP_BUILD_TESTS=ON >&2
exec "${DFSWEEP_PYTHON:-.venv/bin/python}" tests/bench/df_training.py \
  build/tests/bin/df_training_bench "$@"
