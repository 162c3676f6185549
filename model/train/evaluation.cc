#include "model/train/evaluation.h"

#include <optional>
#include <string>
#include <utility>

#include "model/metrics/open_world.h"

namespace dfsweep::model {
namespace {

constexpr int64_t kBatch = 128;

// At the argmax and at two thresholds, and over all of them.
Metrics OpenWorldMetrics(const std::vector<OpenWorldTrace>& traces,
                         int64_t unmonitored) {
  Metrics metrics;
  auto add = [&](const std::string& name, std::optional<double> value) {
    if (value) metrics["open_world_" + name] = *value;
  };
  for (auto [threshold, suffix] :
       {std::pair{0., ""}, std::pair{.5, "_at_50"}, std::pair{.9, "_at_90"}}) {
    const OpenWorldCounts counts = CountAt(traces, unmonitored, threshold);
    add(std::string("precision") + suffix, counts.Precision());
    add(std::string("recall") + suffix, counts.Recall());
    add(std::string("f1") + suffix, counts.F1());
    add(std::string("fpr") + suffix, counts.FalsePositiveRate());
    add(std::string("strict_precision") + suffix, counts.StrictPrecision());
    add(std::string("strict_recall") + suffix, counts.StrictRecall());
  }
  add("auc", AreaUnderCurve(RocCurve(traces, unmonitored)));
  return metrics;
}

config::Json PointJson(double threshold, const OpenWorldCounts& counts) {
  config::Json point = {{"threshold", threshold},
                        {"true_positives", counts.true_positives},
                        {"wrong_site", counts.wrong_site},
                        {"false_negatives", counts.false_negatives},
                        {"false_positives", counts.false_positives},
                        {"true_negatives", counts.true_negatives}};
  auto add = [&](const char* name, std::optional<double> ratio) {
    if (ratio) point[name] = *ratio;
  };
  add("precision", counts.Precision());
  add("recall", counts.Recall());
  add("fpr", counts.FalsePositiveRate());
  return point;
}

// At the argmax and at the thresholds of Sirinam et al.
config::Json OpenWorldJson(const std::vector<OpenWorldTrace>& traces,
                           int64_t unmonitored) {
  std::vector<double> thresholds = DfThresholds();
  thresholds.insert(thresholds.begin(), 0);
  config::Json points = config::Json::array();
  for (double threshold : thresholds) {
    points.push_back(
        PointJson(threshold, CountAt(traces, unmonitored, threshold)));
  }
  return {{"unmonitored", unmonitored}, {"points", std::move(points)}};
}

}  // namespace

torch::Tensor Evaluation::Scores(const std::vector<int64_t>& rows) const {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> scores;
  for (const torch::Tensor& batch : learner_.data.Rows(rows).split(kBatch)) {
    learner_.before_batch();
    scores.push_back(learner_.scenario.MaskForPrediction(
        strategy_.Scores(learner_, batch), batch, learner_.end_task));
  }
  return at::cat(scores);
}

double Evaluation::Accuracy(const std::vector<int64_t>& rows) const {
  torch::Tensor hits = Scores(rows).argmax(1) ==
                       learner_.scenario.Targets(learner_.data.Rows(rows));
  return hits.sum().item<double>() / static_cast<double>(rows.size());
}

PooledTest Evaluation::Pooled() const {
  std::vector<int64_t> rows;
  for (const TaskRows& task : split_.tasks) {
    rows.insert(rows.end(), task.test.begin(), task.test.end());
  }
  const torch::Tensor scores = Scores(rows);
  const torch::Tensor units = scores.argmax(1).cpu();
  std::vector<int64_t> truth, predicted;
  for (size_t i = 0; i < rows.size(); ++i) {
    truth.push_back(dataset_.labels()[rows[i]]);
    predicted.push_back(
        LabelOfUnit(rows[i], units.const_data_ptr<int64_t>()[i]));
  }
  PooledTest test{.confusion = Confusion(truth, predicted)};
  test.metrics = {{"weighted_accuracy", PooledAccuracy(test.confusion)},
                  {"macro_f1", MacroF1(test.confusion)}};
  for (const auto& [label, accuracy] : ClassAccuracy(test.confusion)) {
    test.metrics["class_accuracy_" + std::to_string(label)] = accuracy;
  }
  const std::optional<int64_t> unmonitored = dataset_.unmonitored();
  if (!unmonitored) return test;
  const torch::Tensor confidence =
      std::get<0>(at::softmax(scores, 1).max(1)).to(at::kDouble).cpu();
  std::vector<OpenWorldTrace> traces;
  for (size_t i = 0; i < rows.size(); ++i) {
    traces.push_back(
        {truth[i], predicted[i], confidence.const_data_ptr<double>()[i]});
  }
  test.metrics.merge(OpenWorldMetrics(traces, *unmonitored));
  test.open_world = OpenWorldJson(traces, *unmonitored);
  return test;
}

// A unit that all tasks share stands for a class of the row's own task.
int64_t Evaluation::LabelOfUnit(int64_t row, int64_t unit) const {
  if (!learner_.scenario.is_domain_incremental()) {
    return dataset_.classes()[unit];
  }
  const auto& labels = split_.tasks[learner_.scenario.TaskOf(row)].labels;
  // A unit that this smaller task has no class for.
  return unit < static_cast<int64_t>(labels.size()) ? labels[unit] : -1;
}

}  // namespace dfsweep::model
