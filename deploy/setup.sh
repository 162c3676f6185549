#!/usr/bin/env bash
# Gets a Debian 12 or Ubuntu 24.04 ready to build dfsweep: system packages,
# and LibTorch from the PyPI wheel in .venv (CPU or CUDA by what the machine
# has). Runs again in seconds when everything is there.
#
#   deploy/setup.sh            what is needed to build and run
#   deploy/setup.sh --tests    also what the tests compare with (Keras)
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/steps.sh

TORCH_VERSION=2.13.0
PACKAGES="g++ cmake ninja-build ccache git pkg-config python3 python3-venv
  libgrpc++-dev libgrpc-dev protobuf-compiler protobuf-compiler-grpc
  libprotobuf-dev libabsl-dev libsqlite3-dev libyaml-cpp-dev libfmt-dev
  nlohmann-json3-dev libcli11-dev libspdlog-dev libzip-dev zlib1g-dev
  libssl-dev libcpp-httplib-dev libgtest-dev libgmock-dev libbenchmark-dev"

install_packages() {
  local missing="" package
  for package in $PACKAGES; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
      grep -q 'ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

has_nvidia_gpu() {
  command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1 ||
    [ -e /dev/dxg ] && [ -e /usr/lib/wsl/lib/libcuda.so.1 ]
}

torch_is_there() {
  .venv/bin/python -c "
import torch, sys
sys.exit(torch.__version__.split('+')[0] != '$TORCH_VERSION')" 2>/dev/null
}

install_torch() {
  if [ ! -x .venv/bin/python ]; then
    python3 -m venv .venv || return 1
  fi
  torch_is_there && return 0
  # A machine without an NVIDIA GPU takes the small CPU build where an index
  # that pip is set up for offers one; the standard index has only the CUDA
  # build, which computes on the CPU just as well.
  if ! has_nvidia_gpu &&
      .venv/bin/pip install -q "torch==$TORCH_VERSION+cpu" numpy 2>/dev/null
  then
    return 0
  fi
  .venv/bin/pip install -q "torch==$TORCH_VERSION" numpy
}

# LibTorch's wheel with CUDA brings CUDA's headers but for those of one package,
# which belongs to the compiler; of the same version as the others.
install_cuda_headers() {
  ls .venv/lib/python3*/site-packages/torch/lib/libtorch_cuda.so >/dev/null 2>&1 ||
    return 0
  ls .venv/lib/python3*/site-packages/nvidia/cu*/include/crt/host_config.h \
    >/dev/null 2>&1 && return 0
  local version
  version=$(.venv/bin/python -c "
from importlib.metadata import version
print('.'.join(version('nvidia-cuda-runtime').split('.')[:2]))") || return 1
  .venv/bin/pip install -q "nvidia-cuda-crt==$version.*"
}

# What the parity tests compare with; without it they skip and say so.
install_keras() {
  KERAS_BACKEND=torch .venv/bin/python -c 'import keras' 2>/dev/null ||
    .venv/bin/pip install -q keras 2>/dev/null ||
    say "Keras can't be installed here: its parity test will be skipped"
}

step "System packages" install_packages \
  "check the network and that apt-get works ('sudo apt-get update')"
step "LibTorch $TORCH_VERSION in .venv" install_torch \
  "check the network and 6 GB of free disk, or remove .venv and try again"
step "CUDA's headers, if LibTorch has CUDA" install_cuda_headers \
  "check the network"
if [ "${1:-}" = --tests ]; then
  step "Keras for the parity tests" install_keras "see above"
fi
