#ifndef DFSWEEP_MODEL_CONTINUAL_STAY_CLOSE_H_
#define DFSWEEP_MODEL_CONTINUAL_STAY_CLOSE_H_

#include "model/config/parameters.h"
#include "model/continual/penalized.h"

namespace dfsweep::model {

// The penalty λ Σ_i (θ_i − θ*_i)² around the last task's weights (Hsu et al.
// 2018, "L2"): every weight is as important as any other.
class L2 : public Penalized {
 public:
  explicit L2(const config::Configuration& configuration);
  void AfterTask(Learner& learner) override;
};

// The penalty λ Σ_i |θ_i − θ*_i| around the last task's weights; its gradient
// is taken as 0 where a weight is at its anchor.
class L1 : public Strategy {
 public:
  explicit L1(const config::Configuration& configuration)
      : lambda_(configuration.Real("l1.lambda")) {}

  void AfterBackward(const Learner& learner, const Step& step) override;
  torch::Tensor LossPenalty() const override;
  void AfterTask(Learner& learner) override;
  void Persist(Learner& learner, Archive& archive) override;

 private:
  double lambda_;
  std::vector<torch::Tensor> parameters_, anchor_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_STAY_CLOSE_H_
