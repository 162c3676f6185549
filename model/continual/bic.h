#ifndef DFSWEEP_MODEL_CONTINUAL_BIC_H_
#define DFSWEEP_MODEL_CONTINUAL_BIC_H_

#include <map>
#include <memory>

#include "model/config/parameters.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// α z + β of the units of one task's classes.
struct BiasCorrection {
  torch::Tensor units;  // int64 [units]
  double alpha = 1;
  double beta = 0;
};

// The α and β that minimise the mean cross-entropy of `logits` [rows, classes]
// against `targets` [rows] when applied to the columns `units`; a convex
// problem, solved by Newton's method in float64.
BiasCorrection FitBias(const torch::Tensor& logits,
                       const torch::Tensor& targets,
                       const torch::Tensor& units);

// Bias correction (Wu et al. 2019), class-incremental. A share bic.validation
// of the memory of each class, and as many rows of each new class, are set
// aside. The network is trained on the others by
// (1 − λ) CE + λ KD(T = 2) over the units of past classes, λ the share of past
// classes, from the corrected logits of the network before. Then, with the
// network fixed, α and β of the new classes' logits are fitted on the rows set
// aside.
class Bic : public Strategy {
 public:
  explicit Bic(const config::Configuration& configuration);

  void BeforeTask(Learner& learner) override;
  std::vector<int64_t> TrainRows(const Learner& learner) override;
  Objective Loss(const Learner& learner, const Step& step) override;
  bool LossIsOfStepAlone() const override { return false; }
  void AfterTask(Learner& learner) override;
  torch::Tensor Scores(const Learner& learner,
                       const torch::Tensor& rows) override;
  // The teacher; units_<i> and fits: α and β of each correction; buffer and
  // aside: rows by class.
  void Persist(Learner& learner, Archive& archive) override;

 private:
  torch::Tensor Corrected(torch::Tensor logits) const;
  void Fit(const Learner& learner);

  int64_t size_;
  double validation_;
  std::unique_ptr<Network> teacher_;
  std::vector<BiasCorrection> corrections_;
  // By class: rows replayed in training, and rows only for α and β.
  std::map<int64_t, std::vector<int64_t>> replayed_, aside_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_BIC_H_
