#include "model/net/vectors.h"

#include <ATen/Version.h>

#include <string>

namespace dfsweep::model {
namespace {

bool HasBf16() {
#if defined(DFSWEEP_AVX512_BF16)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

// LibTorch says AVX512 of the instruction sets beyond it, too.
InstructionSet FindInstructionSet() {
  const std::string name = at::get_cpu_capability();
  if (name.starts_with("AVX512")) {
    return HasBf16() ? InstructionSet::kAvx512Bf16 : InstructionSet::kAvx512;
  }
  if (name.starts_with("AVX2")) return InstructionSet::kAvx2;
  return InstructionSet::kDefault;
}

}  // namespace

InstructionSet UsedInstructionSet() {
  static const InstructionSet used = FindInstructionSet();
  return used;
}

bool HasAmx() {
#if defined(DFSWEEP_AVX512_BF16)
  return __builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

}  // namespace dfsweep::model
