#ifndef DFSWEEP_MODEL_CONTINUAL_AGEM_H_
#define DFSWEEP_MODEL_CONTINUAL_AGEM_H_

#include "model/config/parameters.h"
#include "model/continual/replay_buffer.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// Averaged gradient episodic memory (Chaudhry et al. 2019): with g_r the
// gradient on rows drawn from a memory of past tasks, a gradient g with
// g·g_r < 0 becomes g − (g·g_r / g_r·g_r) g_r. The memory gets equally many
// rows of each class at the end of each task. The pass for g_r leaves batch
// normalisation's running statistics as they were. With Adam the constraint
// holds for the gradient, not for the step.
class Agem : public Strategy {
 public:
  explicit Agem(const config::Configuration& configuration);

  void AfterBackward(const Learner& learner, const Step& step) override;
  void AfterTask(Learner& learner) override;
  void Persist(Learner&, Archive& archive) override {
    memory_.Persist(archive);
  }

 private:
  int64_t size_;
  int64_t batch_;  // 0: as many as the step has
  ReplayBuffer memory_;
};

// Makes the gradient list `g` not disagree with `reference`, in place; an
// undefined reference counts as 0. Both as one long vector each.
void ProjectGradient(std::vector<torch::Tensor>& g,
                     const std::vector<torch::Tensor>& reference);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_AGEM_H_
