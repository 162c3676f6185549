#include "model/train/archive.h"

namespace dfsweep::model {

const config::Json& Archive::Stored(const std::string& name) const {
  auto value = checkpoint_.values.find(prefix_ + name);
  if (value == checkpoint_.values.end()) {
    throw CheckpointError("a checkpoint has no '" + prefix_ + name + "'");
  }
  return *value;
}

void Archive::Tensor(const std::string& name, torch::Tensor& tensor) {
  bool is_defined = tensor.defined();
  Value(name + ".defined", is_defined);
  if (!is_defined) {
    tensor = torch::Tensor();
  } else if (!restores_) {
    checkpoint_.tensors[prefix_ + name] = tensor;
  } else {
    auto stored = checkpoint_.tensors.find(prefix_ + name);
    if (stored == checkpoint_.tensors.end()) {
      throw CheckpointError("a checkpoint has no tensor '" + prefix_ + name +
                            "'");
    }
    // A copy, since one checkpoint may be restored from twice.
    tensor = stored->second.to(device_, /*non_blocking=*/false, /*copy=*/true);
  }
}

void Archive::Tensors(const std::string& prefix,
                      std::vector<torch::Tensor>& tensors) {
  size_t count = tensors.size();
  Value(prefix + "count", count);
  if (restores_ && count > checkpoint_.tensors.size()) {
    throw CheckpointError("a checkpoint has fewer tensors than it says");
  }
  tensors.resize(count);
  for (size_t i = 0; i < count; ++i) {
    Tensor(prefix + std::to_string(i), tensors[i]);
  }
}

void Archive::InPlace(const std::string& prefix,
                      const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> values = tensors;
  Tensors(prefix, values);
  if (!restores_) return;
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (values.size() != tensors.size() ||
        values[i].sizes() != tensors[i].sizes() ||
        values[i].scalar_type() != tensors[i].scalar_type()) {
      throw CheckpointError("a checkpoint's '" + prefix_ + prefix +
                            "' is of another network");
    }
    tensors[i].copy_(values[i]);
  }
}

}  // namespace dfsweep::model
