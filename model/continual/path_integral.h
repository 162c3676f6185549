#ifndef DFSWEEP_MODEL_CONTINUAL_PATH_INTEGRAL_H_
#define DFSWEEP_MODEL_CONTINUAL_PATH_INTEGRAL_H_

#include <torch/types.h>

#include <vector>

#include "model/train/archive.h"

namespace dfsweep::model {

// What SI (Zenke, Poole & Ganguli 2017) watches during a task, for each weight:
// ω = −Σ_steps g Δθ, with g a step's gradient and Δθ the change that the
// optimizer made. It touches nothing, so any training can record it.
class PathIntegral {
 public:
  // A task begins with these parameters, which it keeps.
  void Begin(const std::vector<torch::Tensor>& parameters);
  // The gradients are now those to record.
  void RememberGradients();
  // The optimizer will change the weights, and has.
  void BeforeStep();
  void AfterStep();

  const std::vector<torch::Tensor>& path() const { return path_; }    // ω
  const std::vector<torch::Tensor>& start() const { return start_; }  // θ⁰

  // start_<i>.
  void PersistStart(Archive& archive);
  // path_<i>.
  void PersistPath(Archive& archive);

 private:
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> path_, start_;
  std::vector<torch::Tensor> gradient_, before_;  // of the present step
};

// Zeros of the parameters' shapes, without a graph.
std::vector<torch::Tensor> ZerosLike(const std::vector<torch::Tensor>& tensors);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_PATH_INTEGRAL_H_
