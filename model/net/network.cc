#include "model/net/network.h"

namespace dfsweep::model {

void Network::FreezeStatistics() {
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* norm = dynamic_cast<NormLayer*>(module.get())) {
      norm->FreezeStatistics();
    }
  }
}

void CopyValues(const Network& from, Network& to) {
  torch::NoGradGuard no_grad;
  auto copy = [](const std::vector<torch::Tensor>& source,
                 const std::vector<torch::Tensor>& target) {
    for (size_t i = 0; i < target.size(); ++i) target[i].copy_(source[i]);
  };
  copy(from.parameters(), to.parameters());
  copy(from.buffers(), to.buffers());
}

}  // namespace dfsweep::model
