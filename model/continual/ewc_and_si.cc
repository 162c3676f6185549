#include "model/continual/ewc_and_si.h"

#include <algorithm>

namespace dfsweep::model {

void EwcAndSi::BeforeTask(Learner& learner) {
  ewc_.BeforeTask(learner);
  si_.BeforeTask(learner);
}

// SI first: it wants the gradient of the loss alone.
void EwcAndSi::AfterBackward(const Learner& learner, const Step& step) {
  si_.AfterBackward(learner, step);
  ewc_.AfterBackward(learner, step);
}

void EwcAndSi::AfterStep(const Learner& learner, const Step& step) {
  si_.AfterStep(learner, step);
}

torch::Tensor EwcAndSi::LossPenalty() const {
  torch::Tensor ewc = ewc_.LossPenalty(), si = si_.LossPenalty();
  return ewc.defined() && si.defined() ? ewc + si : torch::Tensor();
}

void EwcAndSi::AfterTask(Learner& learner) {
  ewc_.AfterTask(learner);
  si_.AfterTask(learner);
}

void EwcAndSi::Persist(Learner& learner, Archive& archive) {
  {
    Archive::Section section(archive, "ewc_");
    ewc_.Persist(learner, archive);
  }
  Archive::Section section(archive, "si_");
  si_.Persist(learner, archive);
}

// As si does, so that each can take up what the other has recorded.
void EwcAndSi::PersistWatched(Archive& archive) { si_.PersistWatched(archive); }

std::map<std::string, double> EwcAndSi::Metrics() const {
  std::map<std::string, double> metrics = ewc_.Metrics();
  for (const auto& [name, value] : si_.Metrics()) {
    metrics[name] = std::max(metrics[name], value);
  }
  return metrics;
}

}  // namespace dfsweep::model
