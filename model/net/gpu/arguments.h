// Arguments of kernels, for the compilers of both sides.
#ifndef DFSWEEP_MODEL_NET_GPU_ARGUMENTS_H_
#define DFSWEEP_MODEL_NET_GPU_ARGUMENTS_H_

namespace dfsweep::model::gpu {

using Word = unsigned int;
using Offset = unsigned long long;
using Byte = unsigned char;

constexpr Word kThreads = 256;  // of a block
constexpr Word kRows = 16;      // of a thread, are added in float
constexpr Word kWarp = 32;
constexpr Word kWindow = 8, kStride = 4;  // Pooling's
constexpr Word kKernel = 8;

// Of the float32 convolutions: threads of a block, and what it makes at once.
constexpr Word kTileThreads = 128;
constexpr Word kTileRows = 256;
constexpr Word kTileOutputs = 32;

// Values that a thread does at once: 16 bytes.
constexpr Word Width(bool bfloat16) { return bfloat16 ? 8 : 4; }

// Where the rows of sequences lie in memory: `length` of each, within `whole`
// rows that begin with `left` others.
struct Layout {
  Word length, left, whole;
};

// normalized = (x − mean) · scale + shift, [channels] each
struct Scales {
  const float *mean, *scale, *shift;
};

// The gradient of x from that of the normalized values:
// gradient · scale + (x − mean) · slope + offset, [channels] each
struct InputSlopes {
  const float *slope, *offset;
};

// A DropoutMask; `stream`: the upper half of the counter, then the key.
struct Mask {
  const Word* stream;
  Offset first_block;
  Word threshold;
  float kept;
};

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_ARGUMENTS_H_
