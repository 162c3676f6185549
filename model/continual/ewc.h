#ifndef DFSWEEP_MODEL_CONTINUAL_EWC_H_
#define DFSWEEP_MODEL_CONTINUAL_EWC_H_

#include "model/config/parameters.h"
#include "model/continual/fisher.h"
#include "model/continual/quadratic_penalty.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// Elastic weight consolidation (Kirkpatrick et al. 2017), separate form: one
// term (λ/2) Σ_i F_ki (θ_i − θ*_ki)² for every past task k, where F_k is the
// diagonal Fisher information on task k's training traces, at its end, and θ*_k
// the weights then. Batch normalisation's running statistics are no parameters,
// so nothing protects them.
class Ewc : public Strategy {
 public:
  explicit Ewc(const config::Configuration& configuration);

  void BeforeTask(const StageContext& context) override;
  void AfterBackward() override;
  torch::Tensor LossPenalty() const override;
  void AfterTask(const StageContext& context) override;
  // importance_<i> and anchor_<i> of parameter i.
  std::map<std::string, torch::Tensor> State() const override;
  // penalty_max_step: the largest λ·F_i·learning rate. Above 2, plain gradient
  // descent diverges along weight i.
  std::map<std::string, double> Metrics() const override;

 private:
  double lambda_;
  double learning_rate_;
  FisherLabels labels_;
  int64_t samples_;  // 0: all
  QuadraticPenalty penalty_;
  std::vector<torch::Tensor> parameters_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_EWC_H_
