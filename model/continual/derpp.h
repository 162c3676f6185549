#ifndef DFSWEEP_MODEL_CONTINUAL_DERPP_H_
#define DFSWEEP_MODEL_CONTINUAL_DERPP_H_

#include "model/config/parameters.h"
#include "model/continual/replay_buffer.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// Dark experience replay++ (Buzzega et al. 2020):
//   CE(x) + α · mean (z(x') − z')² + β · CE(x'')
// with x' and x'' drawn independently from a reservoir that also keeps the
// logits z' which the network had for a row when it came in, in the forward
// pass of its step. The mean is over rows and outputs (the authors' code; the
// paper writes the sum over outputs). A term of strength 0 is not computed. The
// reservoir takes rows in the first epoch of each task.
class Derpp : public Strategy {
 public:
  explicit Derpp(const config::Configuration& configuration);

  Objective Loss(const Learner& learner, const Step& step) override;
  bool LossIsOfStepAlone() const override { return false; }
  void AfterStep(const Learner& learner, const Step& step) override;
  // Also logits: [size, outputs], of the slots.
  void Persist(Learner& learner, Archive& archive) override;

 private:
  double alpha_, beta_;
  int64_t size_;
  int64_t batch_;  // 0: as many as the step has
  ReplayBuffer buffer_;
  torch::Tensor kept_;     // [size, outputs], of the buffer's slots
  torch::Tensor of_step_;  // logits of the present step's rows
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_DERPP_H_
