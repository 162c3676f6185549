#ifndef DFSWEEP_MODEL_CONTINUAL_QUADRATIC_PENALTY_H_
#define DFSWEEP_MODEL_CONTINUAL_QUADRATIC_PENALTY_H_

#include <torch/types.h>

#include <vector>

#include "model/train/archive.h"

namespace dfsweep::model {

// (strength/2) Σ_k Σ_i F_ki (θ_i − θ*_ki)² over the terms k added so far.
//
// The terms are kept as one: F̄ = Σ_k F_k around the F-weighted mean θ̄ of the
// θ*_k, plus a constant. That is the same function, in two tensors a parameter
// however many tasks there were, and its gradient strength · F̄ (θ − θ̄) is
// exactly 0 where θ = θ̄, which strength (Σ F_k) θ − strength Σ F_k θ*_k in
// single precision is not.
class QuadraticPenalty {
 public:
  explicit QuadraticPenalty(double strength) : strength_(strength) {}

  // Adds a term. `importance` (≥ 0, but for Replace) and `anchor` are lists of
  // tensors shaped like the parameters; both are copied.
  void Add(const std::vector<torch::Tensor>& importance,
           const std::vector<torch::Tensor>& anchor);

  // Forgets the terms before, and adds one.
  void Replace(const std::vector<torch::Tensor>& importance,
               const std::vector<torch::Tensor>& anchor);

  double strength() const { return strength_; }
  bool empty() const { return importance_.empty(); }

  // Adds the gradient to .grad() of the parameters, which are as in Add.
  void AddGradient(const std::vector<torch::Tensor>& parameters) const;

  // The value, a float64 scalar on the parameters' device.
  torch::Tensor Value(const std::vector<torch::Tensor>& parameters) const;

  // The largest F̄_i; 0 without terms.
  double LargestImportance() const;

  // importance_<i> and anchor_<i> of parameter i.
  void Persist(Archive& archive);

 private:
  double strength_;
  std::vector<torch::Tensor> importance_;  // F̄
  std::vector<torch::Tensor> anchor_;      // θ̄
  torch::Tensor constant_;  // Σ_k Σ_i F_ki (θ̄_i − θ*_ki)²
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_QUADRATIC_PENALTY_H_
