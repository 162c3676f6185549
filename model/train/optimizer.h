#ifndef DFSWEEP_MODEL_TRAIN_OPTIMIZER_H_
#define DFSWEEP_MODEL_TRAIN_OPTIMIZER_H_

#include <torch/types.h>

#include <memory>
#include <vector>

#include "model/config/parameters.h"
#include "model/train/archive.h"

namespace dfsweep::model {

// An update rule with its state. Not thread-safe.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Changes the parameters by their gradients. A parameter without a gradient
  // is left alone.
  virtual void Step() = 0;

  // Restores into a fresh optimizer of the same kind, over as many parameters.
  virtual void Persist(Archive& archive) = 0;
};

// Adamax (Kingma & Ba 2015), the numbers of torch.optim.Adamax; LibTorch has
// none in C++. Weight decay is added to the gradient.
class Adamax : public Optimizer {
 public:
  struct Options {
    double learning_rate = 2e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
  };
  Adamax(std::vector<torch::Tensor> parameters, const Options& options);
  void Step() override;
  void Persist(Archive& archive) override;

 private:
  std::vector<torch::Tensor> parameters_;
  Options options_;
  int64_t steps_ = 0;
  std::vector<torch::Tensor> moment_;  // of the gradient
  std::vector<torch::Tensor> norm_;    // decayed infinity norm
};

// The optimizer that `configuration` asks for, with fresh state.
std::unique_ptr<Optimizer> MakeOptimizer(
    const config::Configuration& configuration,
    std::vector<torch::Tensor> parameters);

// The gradients themselves, to be changed in place; a parameter without one
// gets one of zeros.
std::vector<torch::Tensor> Gradients(
    const std::vector<torch::Tensor>& parameters);

// Forgets the gradients, so that the next backward pass writes them anew.
void ClearGradients(const std::vector<torch::Tensor>& parameters);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_OPTIMIZER_H_
