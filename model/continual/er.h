#ifndef DFSWEEP_MODEL_CONTINUAL_ER_H_
#define DFSWEEP_MODEL_CONTINUAL_ER_H_

#include "model/config/parameters.h"
#include "model/continual/replay_buffer.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// Experience replay (Chaudhry et al. 2019; Rolnick et al. 2019): each step also
// trains on rows drawn from a buffer, in the same forward pass, so that batch
// normalisation sees the mixture. The buffer is filled by reservoir sampling in
// the first epoch of each task, after the draw of each step; or with equally
// many rows of each class at the end of each task.
class Er : public Strategy {
 public:
  explicit Er(const config::Configuration& configuration);

  Objective Loss(const Learner& learner, const Step& step) override;
  bool LossIsOfStepAlone() const override { return false; }
  void AfterStep(const Learner& learner, const Step& step) override;
  void AfterTask(Learner& learner) override;
  void Persist(Learner&, Archive& archive) override {
    buffer_.Persist(archive);
  }

 private:
  int64_t size_;
  int64_t batch_;  // 0: as many as the step has
  bool reservoir_;
  bool weigh_tasks_;  // else examples
  ReplayBuffer buffer_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_ER_H_
