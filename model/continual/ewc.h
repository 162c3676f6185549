#ifndef DFSWEEP_MODEL_CONTINUAL_EWC_H_
#define DFSWEEP_MODEL_CONTINUAL_EWC_H_

#include "model/config/parameters.h"
#include "model/continual/fisher.h"
#include "model/continual/penalized.h"

namespace dfsweep::model {

// Elastic weight consolidation (Kirkpatrick et al. 2017), separate form: one
// term (λ/2) Σ_i F_ki (θ_i − θ*_ki)² for every past task k, where F_k is the
// diagonal Fisher information on task k's training traces, at its end, and θ*_k
// the weights then.
class Ewc : public Penalized {
 public:
  explicit Ewc(const config::Configuration& configuration);

  void AfterTask(Learner& learner) override;

 protected:
  // F of the stage that has ended.
  std::vector<torch::Tensor> Fisher(const Learner& learner) const;

 private:
  FisherLabels labels_;
  int64_t samples_;  // 0: all
};

// The online form (Schwarz et al. 2018): F̄_t = γ F̄_{t−1} + F_t, and one term
// (λ/2) Σ_i γ F̄_i (θ_i − θ*_i)² around the last task's weights.
class OnlineEwc : public Ewc {
 public:
  explicit OnlineEwc(const config::Configuration& configuration);

  void AfterTask(Learner& learner) override;
  // Also running_<i>: F̄ of parameter i.
  void Persist(Learner& learner, Archive& archive) override;

 private:
  double gamma_;
  std::vector<torch::Tensor> running_;  // F̄
};

// `count` of the stage's training rows at random, or all of them if 0: those
// that an importance is averaged over.
std::vector<int64_t> ImportanceRows(const Learner& learner, int64_t count);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_EWC_H_
