#ifndef DFSWEEP_MODEL_CONTINUAL_CUMULATIVE_H_
#define DFSWEEP_MODEL_CONTINUAL_CUMULATIVE_H_

#include "model/config/parameters.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// Each task is trained together with all tasks before it: a memory without
// bounds. With equal epochs it takes more steps the later the task.
class Cumulative : public Strategy {
 public:
  explicit Cumulative(const config::Configuration& configuration)
      : reinit_(configuration.Boolean("cumulative.reinit")) {}

  bool StartsAnew() const override { return reinit_; }
  std::vector<int64_t> TrainRows(const Learner& learner) override;
  void Persist(Learner&, Archive& archive) override {
    archive.Value("rows", rows_);
  }

 private:
  bool reinit_;
  std::vector<int64_t> rows_;  // of all tasks so far
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_CUMULATIVE_H_
