#ifndef DFSWEEP_MODEL_CONTINUAL_MAS_H_
#define DFSWEEP_MODEL_CONTINUAL_MAS_H_

#include "model/config/parameters.h"
#include "model/continual/penalized.h"

namespace dfsweep::model {

// Memory aware synapses (Aljundi et al. 2018): the penalty is
// λ Σ_i Ω_i (θ_i − θ*_i)² around the last task's weights; after each task
// Ω_i += (1/N) Σ_n |∂ ‖z(x_n)‖² / ∂θ_i|, over its training traces, example by
// example in eval mode, z the logits of the units in the task's loss.
class Mas : public Penalized {
 public:
  explicit Mas(const config::Configuration& configuration);

  void AfterTask(Learner& learner) override;
  // Also omega_<i>: Ω of parameter i.
  void Persist(Learner& learner, Archive& archive) override;

 private:
  int64_t samples_;  // 0: all
  std::vector<torch::Tensor> omega_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_MAS_H_
