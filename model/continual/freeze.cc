#include "model/continual/freeze.h"

namespace dfsweep::model {

void Freeze::BeforeTask(Learner& learner) {
  if (learner.first_task == 0) return;
  for (torch::Tensor& parameter : learner.parameters) {
    parameter.requires_grad_(false);
    parameter.mutable_grad() =
        torch::Tensor();  // nothing for the optimizer to apply
  }
  for (torch::Tensor& parameter : learner.network.classifier().parameters()) {
    parameter.requires_grad_(true);
  }
  learner.network.FreezeStatistics();
}

}  // namespace dfsweep::model
