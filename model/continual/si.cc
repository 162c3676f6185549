#include "model/continual/si.h"

namespace dfsweep::model {

// The penalty has no ½: twice the strength of one that has.
Si::Si(const config::Configuration& configuration)
    : Penalized(2 * configuration.Real("si.c"),
                configuration.Real("learning_rate")),
      damping_(configuration.Real("si.damping")),
      clamp_(configuration.Boolean("si.clamp")),
      total_gradient_(configuration.Choice("si.gradient") == "total") {}

void Si::BeforeTask(Learner& learner) {
  Penalized::BeforeTask(learner);
  integral_.Begin(parameters());
}

void Si::AfterBackward(const Learner& learner, const Step& step) {
  if (!total_gradient_) integral_.RememberGradients();
  Penalized::AfterBackward(learner, step);
  if (total_gradient_) integral_.RememberGradients();
  integral_.BeforeStep();
}

void Si::AfterStep(const Learner&, const Step&) { integral_.AfterStep(); }

void Si::AfterTask(Learner& learner) {
  torch::NoGradGuard no_grad;
  if (omega_.empty()) omega_ = ZerosLike(parameters());
  for (size_t i = 0; i < omega_.size(); ++i) {
    torch::Tensor distance = parameters()[i] - integral_.start()[i];
    torch::Tensor importance =
        integral_.path()[i] / (distance.square() + damping_);
    omega_[i] += clamp_ ? importance.clamp_min(0) : importance;
  }
  if (!learner.last) penalty().Replace(omega_, parameters());
}

void Si::Persist(Learner& learner, Archive& archive) {
  Penalized::Persist(learner, archive);
  archive.Tensors("omega_", omega_);
  if (archive.restores()) integral_.Begin(parameters());
  integral_.PersistStart(archive);
  integral_.PersistPath(archive);
}

void Si::PersistWatched(Archive& archive) { integral_.PersistPath(archive); }

}  // namespace dfsweep::model
