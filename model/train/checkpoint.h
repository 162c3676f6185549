// A training's state on disk.
#ifndef DFSWEEP_MODEL_TRAIN_CHECKPOINT_H_
#define DFSWEEP_MODEL_TRAIN_CHECKPOINT_H_

#include <torch/types.h>

#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>

#include "model/config/parameters.h"

namespace dfsweep::model {

// Named values and tensors.
struct Checkpoint {
  config::Json values = config::Json::object();
  std::map<std::string, torch::Tensor> tensors;
};

// A file that is no checkpoint, is damaged, or does not hold what is wanted.
class CheckpointError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Replaces `path` as one step that survives a power cut, by way of
// <path>.<process id>.part. Tensors may be on any
// device; their order of elements in memory is kept, so that sums over them
// give the same bits. The file:
//   "DFSWEEP\1", uint64 checksum of the header, uint64 bytes of the header,
//   header (JSON: values; name, type, sizes, strides, checksum of each tensor),
//   the tensors' bytes one after the other. Little-endian.
// Throws CheckpointError if the disk refuses it; the old file is then as it
// was.
void WriteCheckpoint(const Checkpoint& checkpoint,
                     const std::filesystem::path& path);

// Tensors are on the CPU. Throws CheckpointError, whatever the bytes are.
Checkpoint ReadCheckpoint(const std::filesystem::path& path);
// The values alone, without reading the tensors.
config::Json ReadCheckpointValues(const std::filesystem::path& path);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_CHECKPOINT_H_
