#include "model/continual/scenario.h"

#include <algorithm>
#include <limits>

namespace dfsweep::model {
namespace {

torch::Tensor Masked(const torch::Tensor& scores,
                     const torch::Tensor& allowed) {
  return scores.masked_fill(allowed.logical_not(),
                            -std::numeric_limits<double>::infinity());
}

}  // namespace

Scenario::Scenario(const config::Configuration& configuration,
                   const data::Dataset& dataset,
                   const std::vector<TaskRows>& tasks, c10::Device device) {
  const std::string scenario = configuration.Choice("scenario");
  kind_ = scenario == "task-incremental"     ? Kind::kTask
          : scenario == "domain-incremental" ? Kind::kDomain
                                             : Kind::kClass;
  const std::string active = configuration.Has("active_classes")
                                 ? configuration.Choice("active_classes")
                                 : "all";
  active_ = active == "seen"      ? Active::kSeen
            : active == "current" ? Active::kCurrent
                                  : Active::kAll;
  const auto classes = static_cast<int64_t>(dataset.classes().size());
  std::vector<int64_t> unit_of_class(classes, -1), task_of_class(classes, -1);
  outputs_ = kind_ == Kind::kDomain ? 0 : classes;
  for (size_t task = 0; task < tasks.size(); ++task) {
    std::vector<int64_t> units;
    for (int64_t label : tasks[task].labels) {
      const int64_t position = OutputUnit(dataset, label);
      ++classes_;
      const auto place = static_cast<int64_t>(units.size());
      units.push_back(kind_ == Kind::kDomain ? place : position);
      unit_of_class[position] = units.back();
      task_of_class[position] = static_cast<int64_t>(task);
    }
    if (kind_ == Kind::kDomain) {
      outputs_ = std::max(outputs_, static_cast<int64_t>(units.size()));
    }
    units_.push_back(std::move(units));
  }
  class_of_row_ = OutputUnits(dataset);
  std::vector<int64_t> targets;
  for (int64_t position : class_of_row_) {
    targets.push_back(unit_of_class[position]);
    task_of_row_.push_back(task_of_class[position]);
  }
  targets_ = torch::tensor(targets, at::kLong).to(device);
  tasks_ = torch::tensor(task_of_row_, at::kLong).to(device);
  const auto mask = at::device(device).dtype(at::kBool);
  own_ = at::zeros({Scenario::tasks(), outputs_}, mask);
  seen_ = at::zeros({Scenario::tasks() + 1, outputs_}, mask);
  for (int64_t task = 0; task < Scenario::tasks(); ++task) {
    own_[task].index_fill_(0, Units(task, task + 1), 1);
    seen_[task + 1].copy_(seen_[task].logical_or(own_[task]));
  }
}

torch::Tensor Scenario::Targets(const torch::Tensor& rows) const {
  return targets_.index_select(0, rows);
}

torch::Tensor Scenario::Tasks(const torch::Tensor& rows) const {
  return tasks_.index_select(0, rows);
}

const torch::Tensor& Scenario::Units(int64_t first, int64_t end) const {
  torch::Tensor& known = units_on_device_[{first, end}];
  if (!known.defined()) known = UnitsToDevice(first, end);
  return known;
}

torch::Tensor Scenario::UnitsToDevice(int64_t first, int64_t end) const {
  std::vector<int64_t> units;
  for (int64_t task = first; task < end; ++task) {
    units.insert(units.end(), units_[task].begin(), units_[task].end());
  }
  std::sort(units.begin(), units.end());
  units.erase(std::unique(units.begin(), units.end()), units.end());
  return torch::tensor(units, at::kLong).to(targets_.device());
}

torch::Tensor Scenario::LossUnits(int64_t first, int64_t end) const {
  if (kind_ == Kind::kTask) return Units(first, end);
  if (kind_ == Kind::kClass && active_ == Active::kSeen) return Units(0, end);
  if (kind_ == Kind::kClass && active_ == Active::kCurrent) {
    return Units(first, end);
  }
  return at::arange(outputs_, targets_.options());
}

torch::Tensor Scenario::MaskOtherTasks(const torch::Tensor& logits,
                                       const torch::Tensor& rows) const {
  return Masked(logits, own_.index_select(0, Tasks(rows)));
}

torch::Tensor Scenario::MaskUnseen(const torch::Tensor& scores,
                                   int64_t end) const {
  return Masked(scores, seen_[end]);
}

torch::Tensor Scenario::MaskForLoss(const torch::Tensor& logits,
                                    const torch::Tensor& rows, int64_t first,
                                    int64_t end) const {
  if (kind_ != Kind::kClass || active_ != Active::kCurrent) {
    return MaskForPrediction(logits, rows, end);
  }
  // A replayed row's class is none of the current ones: it competes with all
  // that were seen.
  const torch::Tensor is_current = Tasks(rows).ge(first).unsqueeze(1);
  const torch::Tensor current =
      seen_[end].logical_and(seen_[first].logical_not());
  return Masked(logits, at::where(is_current, current, seen_[end]));
}

torch::Tensor Scenario::MaskForPrediction(const torch::Tensor& logits,
                                          const torch::Tensor& rows,
                                          int64_t end) const {
  if (kind_ == Kind::kTask) return MaskOtherTasks(logits, rows);
  if (kind_ == Kind::kDomain || active_ == Active::kAll) return logits;
  return MaskUnseen(logits, end);
}

}  // namespace dfsweep::model
