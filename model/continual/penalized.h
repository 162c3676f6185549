#ifndef DFSWEEP_MODEL_CONTINUAL_PENALIZED_H_
#define DFSWEEP_MODEL_CONTINUAL_PENALIZED_H_

#include "model/continual/quadratic_penalty.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// The base of strategies that pull each weight to where past tasks left it, by
// a quadratic penalty in the gradient of every step. Batch normalisation's
// running statistics are no parameters, so nothing protects them.
class Penalized : public Strategy {
 public:
  void BeforeTask(Learner& learner) override;
  void AfterBackward(const Learner& learner, const Step& step) override;
  torch::Tensor LossPenalty() const override;
  // The penalty.
  void Persist(Learner& learner, Archive& archive) override;
  // penalty_max_step: the largest strength · importance · learning rate. Above
  // 2, plain gradient descent diverges along that weight.
  std::map<std::string, double> Metrics() const override;

 protected:
  // The penalty is (strength/2) Σ importance (θ − anchor)².
  Penalized(double strength, double learning_rate)
      : penalty_(strength), learning_rate_(learning_rate) {}

  QuadraticPenalty& penalty() { return penalty_; }
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }

 private:
  QuadraticPenalty penalty_;
  double learning_rate_;
  std::vector<torch::Tensor> parameters_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_PENALIZED_H_
