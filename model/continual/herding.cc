#include "model/continual/herding.h"

#include <algorithm>
#include <limits>

namespace dfsweep::model {

std::vector<int64_t> Herd(const torch::Tensor& features, int64_t count) {
  torch::NoGradGuard no_grad;
  const torch::Tensor rows = features.to(at::kDouble);
  const torch::Tensor mean = rows.mean(0);
  torch::Tensor sum = at::zeros_like(mean);
  torch::Tensor taken = at::zeros({rows.size(0)}, rows.options());
  std::vector<int64_t> chosen;
  for (int64_t k = 1; k <= std::min(count, rows.size(0)); ++k) {
    torch::Tensor distance =
        (mean - (rows + sum) / static_cast<double>(k)).square().sum(1) + taken;
    const int64_t best = distance.argmin().item<int64_t>();
    chosen.push_back(best);
    sum += rows[best];
    taken[best] = std::numeric_limits<double>::infinity();
  }
  return chosen;
}

}  // namespace dfsweep::model
