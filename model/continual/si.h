#ifndef DFSWEEP_MODEL_CONTINUAL_SI_H_
#define DFSWEEP_MODEL_CONTINUAL_SI_H_

#include "model/config/parameters.h"
#include "model/continual/path_integral.h"
#include "model/continual/penalized.h"

namespace dfsweep::model {

// Synaptic intelligence (Zenke, Poole & Ganguli 2017): the penalty is
// c Σ_i Ω_i (θ_i − θ*_i)² around the last task's weights. Over each task,
// ω_i is the PathIntegral, and at its end
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
  double damping_;
  bool clamp_;
  bool total_gradient_;  // with the penalty's, as van de Ven et al. 2022
  std::vector<torch::Tensor> omega_;  // Ω
  PathIntegral integral_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_SI_H_
