#ifndef DFSWEEP_MODEL_CONTINUAL_FISHER_H_
#define DFSWEEP_MODEL_CONTINUAL_FISHER_H_

#include <torch/types.h>

#include <string>
#include <vector>

#include "model/continual/example_gradients.h"
#include "model/train/random.h"

namespace dfsweep::model {

// Labels y of the log-likelihood in the Fisher information.
enum class FisherLabels {
  kAll,     // Σ_y p(y|x) …: the exact expectation over the active units
  kSample,  // one y drawn from p(·|x)
  kPredicted,
  kTrue,  // "empirical Fisher"
};

// `name` is a value of the parameter ewc.fisher_labels.
FisherLabels ParseFisherLabels(const std::string& name);

// Sums the diagonal of the Fisher information over batches of examples:
//   F_i = (1/N) Σ_n E_y (∂ log p_y(x_n) / ∂θ_i)²
// with the gradient of each example by itself, the network in eval mode and
// p = softmax over the active units only.
//
// There is one row for each (example, label), and the cost is that of about one
// training step on the rows. Leaves everything as ExampleGradientSum does, but
// for the stream `labels`. Not thread-safe.
class FisherSum {
 public:
  // `active_units` is int64 [units]; `labels` is used by kSample alone.
  FisherSum(Network& network, FisherLabels kind, torch::Tensor active_units,
            Stream labels);

  // `x` [examples, length]; `units` [examples] int64 are the true ones, which
  // kTrue alone looks at.
  void Add(const torch::Tensor& x, const torch::Tensor& units);

  // How many examples to give to Add at once: bounded memory.
  int64_t ExamplesPerBatch() const;

  // F, in the order of network.parameters(); at least one example was added.
  std::vector<torch::Tensor> Mean() const;

 private:
  struct Targets {
    torch::Tensor positions;  // [examples, labels], among the active units
    torch::Tensor weights;    // [examples, labels]
  };
  Targets MakeTargets(const torch::Tensor& log_probabilities,
                      const torch::Tensor& units);
  void AddRows(const torch::Tensor& x, const Targets& targets);

  Network& network_;
  FisherLabels kind_;
  torch::Tensor active_units_;
  Stream labels_;
  ExampleGradientSum squares_;
  int64_t examples_ = 0;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_FISHER_H_
