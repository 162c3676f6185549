#ifndef DFSWEEP_MODEL_CONTINUAL_EWC_AND_SI_H_
#define DFSWEEP_MODEL_CONTINUAL_EWC_AND_SI_H_

#include "model/continual/ewc.h"
#include "model/continual/si.h"

namespace dfsweep::model {

// The penalties of EWC and of SI together, each with its own strength.
class EwcAndSi : public Strategy {
 public:
  explicit EwcAndSi(const config::Configuration& configuration)
      : ewc_(configuration), si_(configuration) {}

  void BeforeTask(Learner& learner) override;
  void AfterBackward(const Learner& learner, const Step& step) override;
  void AfterStep(const Learner& learner, const Step& step) override;
  torch::Tensor LossPenalty() const override;
  void AfterTask(Learner& learner) override;
  // Those of both, with ewc_ and si_ before their names.
  void Persist(Learner& learner, Archive& archive) override;
  void PersistWatched(Archive& archive) override;
  // penalty_max_step is the larger one.
  std::map<std::string, double> Metrics() const override;

 private:
  Ewc ewc_;
  Si si_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_EWC_AND_SI_H_
