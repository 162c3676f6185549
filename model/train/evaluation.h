#ifndef DFSWEEP_MODEL_TRAIN_EVALUATION_H_
#define DFSWEEP_MODEL_TRAIN_EVALUATION_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/continual/learner.h"
#include "model/continual/strategy.h"
#include "model/data/dataset.h"
#include "model/metrics/classification.h"
#include "model/train/result.h"
#include "model/train/split.h"

namespace dfsweep::model {

// What the test traces of all tasks together tell.
struct PooledTest {
  Metrics metrics;
  // By original labels; −1 where a trace was given a unit that its task has no
  // class for.
  ConfusionMatrix confusion;
  // The field `open_world`, if there is an unmonitored class.
  std::optional<config::Json> open_world;
};

// Tests the network of a learner by its strategy's scores. The arguments
// outlive this. Each batch calls the learner's before_batch. Not thread-safe.
class Evaluation {
 public:
  Evaluation(const Learner& learner, Strategy& strategy, const Split& split,
             const data::Dataset& dataset)
      : learner_(learner),
        strategy_(strategy),
        split_(split),
        dataset_(dataset) {}

  // The share of `rows` that is predicted right.
  double Accuracy(const std::vector<int64_t>& rows) const;

  PooledTest Pooled() const;

 private:
  // Scores of the strategy, with −∞ where a unit may not be predicted.
  torch::Tensor Scores(const std::vector<int64_t>& rows) const;
  int64_t LabelOfUnit(int64_t row, int64_t unit) const;

  const Learner& learner_;
  Strategy& strategy_;
  const Split& split_;
  const data::Dataset& dataset_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_EVALUATION_H_
