#include "model/net/vectors.h"

#include <ATen/Version.h>

#include <string>

namespace dfsweep::model {
namespace {

// LibTorch says AVX512 of the instruction sets beyond it, too.
InstructionSet FindInstructionSet() {
  const std::string name = at::get_cpu_capability();
  if (name.starts_with("AVX512")) {
    return DFSWEEP_CPU_HAS("avx512bf16") ? InstructionSet::kAvx512Bf16
                                         : InstructionSet::kAvx512;
  }
  if (name.starts_with("AVX2")) return InstructionSet::kAvx2;
  return InstructionSet::kDefault;
}

}  // namespace

InstructionSet UsedInstructionSet() {
  static const InstructionSet used = FindInstructionSet();
  return used;
}

bool HasAmx() { return DFSWEEP_CPU_HAS("amx-bf16"); }

}  // namespace dfsweep::model
