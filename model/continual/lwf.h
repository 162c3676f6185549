#ifndef DFSWEEP_MODEL_CONTINUAL_LWF_H_
#define DFSWEEP_MODEL_CONTINUAL_LWF_H_

#include <memory>

#include "model/config/parameters.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// Learning without forgetting (Li & Hoiem 2016): the network as it was before
// the task is a teacher of its logits ẑ on the new task's traces,
//   CE + λ · KD,   KD = −mean_n Σ_c softmax(ẑ_n / T)_c log softmax(z_n / T)_c
// over the units of past classes (lwf.units: all outputs), sliced before the
// softmax. Task-incremental: the mean of one KD for each past task's units. The
// teacher is in eval mode and has its own batch-norm statistics.
class Lwf : public Strategy {
 public:
  explicit Lwf(const config::Configuration& configuration);

  void BeforeTask(Learner& learner) override;
  Objective Loss(const Learner& learner, const Step& step) override;
  void Persist(Learner& learner, Archive& archive) override {
    learner.PersistSnapshot(teacher_, archive);
  }

 private:
  torch::Tensor Distillation(const Learner& learner,
                             const torch::Tensor& logits,
                             const torch::Tensor& taught) const;

  double lambda_, temperature_;
  bool times_temperature_squared_;
  bool times_past_tasks_;
  bool all_units_;
  std::unique_ptr<Network> teacher_;
};

// KD of `logits` from `taught`, both [rows, units]: the cross-entropy between
// their softmaxes at `temperature`, mean over the rows. Its gradient by the
// logits is (softmax(z/T) − softmax(ẑ/T)) / (T · rows).
torch::Tensor DistillationLoss(const torch::Tensor& logits,
                               const torch::Tensor& taught, double temperature);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_LWF_H_
