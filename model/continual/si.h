#ifndef DFSWEEP_MODEL_CONTINUAL_SI_H_
#define DFSWEEP_MODEL_CONTINUAL_SI_H_

#include "model/config/parameters.h"
#include "model/continual/penalized.h"

namespace dfsweep::model {

// Synaptic intelligence (Zenke, Poole & Ganguli 2017): the penalty is
// c Σ_i Ω_i (θ_i − θ*_i)² around the last task's weights. Over each task,
// ω_i = −Σ_steps g_i Δθ_i, with g the gradient before the step and Δθ the
// change that the optimizer made, and at its end
// Ω_i += ω_i / ((θ_i − θ⁰_i)² + ξ), with θ⁰ the weights at its beginning.
class Si : public Penalized {
 public:
  explicit Si(const config::Configuration& configuration);

  void BeforeTask(Learner& learner) override;
  void AfterBackward(const Learner& learner, const Step& step) override;
  void AfterStep(const Learner& learner, const Step& step) override;
  void AfterTask(Learner& learner) override;
  // Also omega_<i>, path_<i> and start_<i>: Ω, ω and θ⁰ of parameter i.
  void Persist(Learner& learner, Archive& archive) override;
  // path_<i>.
  void PersistWatched(Archive& archive) override;

 private:
  void RememberGradients();

  double damping_;
  bool clamp_;
  bool total_gradient_;  // with the penalty's, as van de Ven et al. 2022
  std::vector<torch::Tensor> omega_;              // Ω
  std::vector<torch::Tensor> path_, start_;       // ω, θ⁰
  std::vector<torch::Tensor> gradient_, before_;  // of the present step
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_SI_H_
