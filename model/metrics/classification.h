// Figures of predictions. Classes are any numbers; `truth` and `predicted` are
// as long as each other.
#ifndef DFSWEEP_MODEL_METRICS_CLASSIFICATION_H_
#define DFSWEEP_MODEL_METRICS_CLASSIFICATION_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace dfsweep::model {

// How often each pair (truth, predicted) occurs; pairs that don't are left out.
using ConfusionMatrix = std::map<std::pair<int64_t, int64_t>, int64_t>;
ConfusionMatrix Confusion(const std::vector<int64_t>& truth,
                          const std::vector<int64_t>& predicted);

// The share that was predicted right; of at least one prediction.
double PooledAccuracy(const ConfusionMatrix& confusion);

// The share of each class of `truth` that was predicted right (its recall).
std::map<int64_t, double> ClassAccuracy(const ConfusionMatrix& confusion);

// Mean over the classes that occur in the truth of 2TP / (2TP + FP + FN).
double MacroF1(const ConfusionMatrix& confusion);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_METRICS_CLASSIFICATION_H_
