#include "model/train/result.h"

#include <cmath>
#include <utility>

#include "model/protocol/protocol.h"

namespace dfsweep::model {

using config::Json;

Json FiniteJson(const Metrics& metrics) {
  Json json = Json::object();
  for (const auto& [name, value] : metrics) {
    if (std::isfinite(value)) json[name] = value;
  }
  return json;
}

std::optional<Json> ConfusionJson(const ConfusionMatrix& confusion,
                                  std::set<int64_t> labels) {
  for (const auto& [pair, count] : confusion) {
    labels.insert(pair.first);
    labels.insert(pair.second);
  }
  if (labels.size() > protocol::kMaxConfusionLabels ||
      confusion.size() > protocol::kMaxConfusionEntries) {
    return std::nullopt;
  }
  auto place = [&](int64_t label) {
    return std::distance(labels.begin(), labels.find(label));
  };
  Json counts = Json::array();
  for (const auto& [pair, count] : confusion) {
    counts.push_back({place(pair.first), place(pair.second), count});
  }
  return Json{{"labels", labels}, {"counts", std::move(counts)}};
}

void ResultBuilder::AddEpoch(int64_t stage, int64_t epoch,
                             const Metrics& metrics) {
  Json point = FiniteJson(metrics);
  point["task"] = stage;
  point["epoch"] = epoch;
  curve_.push_back(std::move(point));
}

Json ResultBuilder::AddEvaluation(int64_t stage, int64_t task,
                                  const std::string& split, double accuracy,
                                  int64_t examples) {
  AccuracyMatrix& matrix = split == "test" ? test_ : validation_;
  matrix.resize(stage + 1);
  matrix[stage].push_back(accuracy);
  Json evaluation = {{"after_task", stage},
                     {"task", task},
                     {"split", split},
                     {"accuracy", accuracy},
                     {"examples", examples}};
  evaluations_.push_back(evaluation);
  return evaluation;
}

void ResultBuilder::Persist(Archive& archive) {
  archive.Value("metrics", metrics_);
  archive.Value("test", test_);
  archive.Value("validation", validation_);
  archive.Value("curve", curve_);
  archive.Value("evaluations", evaluations_);
}

void ResultBuilder::AddMetrics(const Metrics& metrics) {
  metrics_.insert(metrics.begin(), metrics.end());
}

void ResultBuilder::AddPart(const std::string& name, Json value) {
  parts_[name] = std::move(value);
}

Json ResultBuilder::Finish(bool complete, double train_seconds,
                           const std::string& message) const {
  Metrics metrics = metrics_;
  for (size_t i = 0; i < test_.size(); ++i) {
    for (size_t j = 0; j < test_[i].size(); ++j) {
      metrics["accuracy_task_" + std::to_string(j + 1) + "_after_" +
              std::to_string(i + 1)] = test_[i][j];
    }
  }
  if (complete) {
    metrics.merge(ContinualMetrics(test_));
    if (!validation_.empty()) {
      metrics["validation_average_accuracy"] =
          ContinualMetrics(validation_).at("average_accuracy");
    }
  }
  Json result = {{"status", complete ? "completed" : "diverged"},
                 {"metrics", FiniteJson(metrics)},
                 {"accuracy_matrix", test_},
                 {"learning_curve", curve_},
                 {"evaluations", evaluations_},
                 {"train_seconds", train_seconds}};
  if (!validation_.empty()) {
    result["validation_accuracy_matrix"] = validation_;
  }
  if (!message.empty()) result["message"] = message;
  result.update(parts_);
  return result;
}

}  // namespace dfsweep::model
