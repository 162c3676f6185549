#ifndef DFSWEEP_MODEL_CONTINUAL_SCENARIO_H_
#define DFSWEEP_MODEL_CONTINUAL_SCENARIO_H_

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "model/config/parameters.h"
#include "model/data/dataset.h"
#include "model/train/split.h"

namespace dfsweep::model {

// Which output unit stands for each row of the dataset, and with which others
// it competes (van de Ven, Tuytelaars & Tolias 2022):
//   class-incremental   one unit a class; `active_classes` says which compete
//   task-incremental    one unit a class; those of the row's own task compete
//   domain-incremental  as many units as the largest task has classes, shared
//                       by all tasks: the unit is the class's place in its task
// Competing units are chosen before the softmax, by logits of −∞. Immutable.
class Scenario {
 public:
  // `tasks` are those of the trial's split, in order.
  Scenario(const config::Configuration& configuration,
           const data::Dataset& dataset, const std::vector<TaskRows>& tasks,
           c10::Device device);

  int64_t outputs() const { return outputs_; }
  int64_t tasks() const { return static_cast<int64_t>(units_.size()); }
  // Of all tasks together.
  int64_t classes() const { return classes_; }
  bool is_task_incremental() const { return kind_ == Kind::kTask; }
  bool is_domain_incremental() const { return kind_ == Kind::kDomain; }

  // The unit of each row, int64 [rows]; rows are int64 [rows] and belong to
  // tasks.
  torch::Tensor Targets(const torch::Tensor& rows) const;
  int64_t TaskOf(int64_t row) const { return task_of_row_[row]; }
  // Its class: the position of its label in Dataset::classes().
  int64_t ClassOf(int64_t row) const { return class_of_row_[row]; }

  // `logits` [rows, outputs] with −∞ at the units that a row doesn't compete
  // with in the training loss, or may not be predicted as. `first` and `end`
  // are the tasks trained now: those before have been seen.
  torch::Tensor MaskForLoss(const torch::Tensor& logits,
                            const torch::Tensor& rows, int64_t first,
                            int64_t end) const;
  torch::Tensor MaskForPrediction(const torch::Tensor& logits,
                                  const torch::Tensor& rows, int64_t end) const;

  // `scores` with −∞ at the units of no task before `end`, for every row alike.
  torch::Tensor MaskUnseen(const torch::Tensor& scores, int64_t end) const;

  // Units of the tasks in [first, end), ascending, int64 on the device.
  const torch::Tensor& Units(int64_t first, int64_t end) const;
  // Those that a row of these tasks competes with in the loss. In the
  // task-incremental scenario only for a single task.
  torch::Tensor LossUnits(int64_t first, int64_t end) const;

 private:
  enum class Kind { kClass, kTask, kDomain };
  enum class Active { kAll, kSeen, kCurrent };

  torch::Tensor UnitsToDevice(int64_t first, int64_t end) const;
  torch::Tensor Tasks(const torch::Tensor& rows) const;
  torch::Tensor MaskOtherTasks(const torch::Tensor& logits,
                               const torch::Tensor& rows) const;

  Kind kind_;
  Active active_;
  int64_t outputs_;
  int64_t classes_ = 0;
  std::vector<std::vector<int64_t>> units_;  // of each task, as dealt
  std::vector<int64_t> task_of_row_, class_of_row_;
  torch::Tensor targets_;  // [n] int64; −1 of rows of no task
  torch::Tensor tasks_;    // [n] int64; −1 of rows of no task
  // Made once: every step masks.
  torch::Tensor own_;   // [tasks, outputs] bool: units of each task
  torch::Tensor seen_;  // [tasks + 1, outputs] bool: of the first so many tasks
  // What Units has given, so that a step brings nothing to the device.
  mutable std::map<std::pair<int64_t, int64_t>, torch::Tensor> units_on_device_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_SCENARIO_H_
