#ifndef DFSWEEP_MODEL_CONTINUAL_ICARL_H_
#define DFSWEEP_MODEL_CONTINUAL_ICARL_H_

#include <map>
#include <memory>

#include "model/config/parameters.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// iCaRL (Rebuffi et al. 2017), class-incremental. Each task is trained together
// with the exemplars of past classes, by the binary cross-entropy of each unit
// of the classes so far, summed over units: targets are 1 for the own class and
// 0 for the others, and for units of past classes σ(ẑ / T) of the network as it
// was before the task. Exemplars are chosen by herding of L2-normalised
// features. A row is predicted as the class whose exemplars' mean feature,
// normalised again, is nearest; within a task, when the new classes have no
// exemplars yet, by the units.
class Icarl : public Strategy {
 public:
  explicit Icarl(const config::Configuration& configuration);

  void BeforeTask(Learner& learner) override;
  std::vector<int64_t> TrainRows(const Learner& learner) override;
  Objective Loss(const Learner& learner, const Step& step) override;
  bool LossIsOfStepAlone() const override { return false; }
  void AfterTask(Learner& learner) override;
  torch::Tensor Scores(const Learner& learner,
                       const torch::Tensor& rows) override;
  // The teacher, buffer: rows by class, and the means.
  void Persist(Learner& learner, Archive& archive) override;

 private:
  int64_t size_;
  double temperature_;
  std::unique_ptr<Network> teacher_;
  std::map<int64_t, std::vector<int64_t>> exemplars_;  // by class, herded
  torch::Tensor means_;  // [outputs, features]; undefined within a task
};

// `features` [rows, width] with rows of length 1.
torch::Tensor Normalised(const torch::Tensor& features);

// −‖feature − mean‖² [rows, classes] of normalised `features` [rows, width] and
// `means` [classes, width].
torch::Tensor NearestMeanScores(const torch::Tensor& features,
                                const torch::Tensor& means);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_ICARL_H_
