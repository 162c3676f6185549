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

std::map<std::string, torch::Tensor> EwcAndSi::State() const {
  std::map<std::string, torch::Tensor> state;
  for (const auto& [name, value] : ewc_.State()) state["ewc_" + name] = value;
  for (const auto& [name, value] : si_.State()) state["si_" + name] = value;
  return state;
}

std::map<std::string, double> EwcAndSi::Metrics() const {
  std::map<std::string, double> metrics = ewc_.Metrics();
  for (const auto& [name, value] : si_.Metrics()) {
    metrics[name] = std::max(metrics[name], value);
  }
  return metrics;
}

}  // namespace dfsweep::model
