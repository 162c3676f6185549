#include "model/net/network.h"

#include <stdexcept>

namespace dfsweep::model {
namespace {

void Copy(const std::vector<torch::Tensor>& source,
          const std::vector<torch::Tensor>& target) {
  torch::NoGradGuard no_grad;
  if (source.size() != target.size()) {
    throw std::logic_error("copy between networks of different kinds");
  }
  for (size_t i = 0; i < target.size(); ++i) {
    if (source[i].sizes() != target[i].sizes()) {
      throw std::logic_error("copy between networks of different sizes");
    }
    target[i].copy_(source[i]);
  }
}

}  // namespace

void Network::FreezeStatistics() {
  has_frozen_statistics_ = true;
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* norm = dynamic_cast<NormLayer*>(module.get())) {
      norm->FreezeStatistics();
    }
  }
}

void Network::Persist(Archive& archive) {
  archive.InPlace("parameter_", parameters());
  archive.InPlace("buffer_", buffers());
  std::vector<bool> is_trained;
  for (const torch::Tensor& p : parameters()) {
    is_trained.push_back(p.requires_grad());
  }
  archive.Value("is_trained", is_trained);
  std::vector<torch::Tensor> all = parameters();
  for (size_t i = 0; i < all.size() && i < is_trained.size(); ++i) {
    all[i].requires_grad_(is_trained[i]);
  }
  bool is_frozen = has_frozen_statistics_;
  archive.Value("has_frozen_statistics", is_frozen);
  if (is_frozen) FreezeStatistics();
}

void CopyParameters(const Network& from, Network& to) {
  Copy(from.parameters(), to.parameters());
}

void CopyBuffers(const Network& from, Network& to) {
  Copy(from.buffers(), to.buffers());
}

}  // namespace dfsweep::model
