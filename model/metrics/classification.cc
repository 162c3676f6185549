#include "model/metrics/classification.h"

namespace dfsweep::model {
namespace {

struct Counts {
  int64_t hits = 0, truths = 0, predictions = 0;
};

std::map<int64_t, Counts> CountByClass(const ConfusionMatrix& confusion) {
  std::map<int64_t, Counts> classes;
  for (const auto& [pair, count] : confusion) {
    const auto& [truth, predicted] = pair;
    classes[truth].truths += count;
    classes[predicted].predictions += count;
    if (truth == predicted) classes[truth].hits += count;
  }
  return classes;
}

}  // namespace

ConfusionMatrix Confusion(const std::vector<int64_t>& truth,
                          const std::vector<int64_t>& predicted) {
  ConfusionMatrix confusion;
  for (size_t i = 0; i < truth.size(); ++i) {
    ++confusion[{truth[i], predicted[i]}];
  }
  return confusion;
}

double PooledAccuracy(const ConfusionMatrix& confusion) {
  int64_t hits = 0, all = 0;
  for (const auto& [pair, count] : confusion) {
    all += count;
    if (pair.first == pair.second) hits += count;
  }
  return static_cast<double>(hits) / static_cast<double>(all);
}

std::map<int64_t, double> ClassAccuracy(const ConfusionMatrix& confusion) {
  std::map<int64_t, double> accuracy;
  for (const auto& [label, counts] : CountByClass(confusion)) {
    if (counts.truths == 0) continue;
    accuracy[label] =
        static_cast<double>(counts.hits) / static_cast<double>(counts.truths);
  }
  return accuracy;
}

double MacroF1(const ConfusionMatrix& confusion) {
  double sum = 0;
  int64_t present = 0;
  for (const auto& [label, counts] : CountByClass(confusion)) {
    if (counts.truths == 0) continue;
    // 2TP + FP + FN = those of the class + those said to be.
    sum += 2.0 * static_cast<double>(counts.hits) /
           static_cast<double>(counts.truths + counts.predictions);
    ++present;
  }
  return present == 0 ? 0 : sum / static_cast<double>(present);
}

}  // namespace dfsweep::model
