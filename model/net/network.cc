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
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* norm = dynamic_cast<NormLayer*>(module.get())) {
      norm->FreezeStatistics();
    }
  }
}

void CopyParameters(const Network& from, Network& to) {
  Copy(from.parameters(), to.parameters());
}

void CopyBuffers(const Network& from, Network& to) {
  Copy(from.buffers(), to.buffers());
}

}  // namespace dfsweep::model
