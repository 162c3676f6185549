#ifndef DFSWEEP_MODEL_TRAIN_RESULT_H_
#define DFSWEEP_MODEL_TRAIN_RESULT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/config/parameters.h"
#include "model/metrics/classification.h"
#include "model/metrics/continual.h"
#include "model/train/archive.h"

namespace dfsweep::model {

using Metrics = std::map<std::string, double>;

// `metrics` as JSON, without those that are not finite: JSON has no NaN.
config::Json FiniteJson(const Metrics& metrics);

// The field `confusion_matrix`: its labels are `labels`, of the classes seen,
// and those in `confusion`. None if it has more than a line may hold.
std::optional<config::Json> ConfusionJson(const ConfusionMatrix& confusion,
                                          std::set<int64_t> labels);

// Collects what a trial yields and makes the fields of its `result` event.
class ResultBuilder {
 public:
  void AddEpoch(int64_t stage, int64_t epoch, const Metrics& metrics);

  // `split` is "test" or "validation". Tasks come in order, stages too.
  // Returns the fields of the `evaluation` event.
  config::Json AddEvaluation(int64_t stage, int64_t task,
                             const std::string& split, double accuracy,
                             int64_t examples);

  void Persist(Archive& archive);

  // Sets metrics beside those that follow from the evaluations.
  void AddMetrics(const Metrics& metrics);

  // Sets a field of the result that follows from no evaluation either.
  void AddPart(const std::string& name, config::Json value);

  // `complete` if every stage was trained; `message` says why not.
  config::Json Finish(bool complete, double train_seconds,
                      const std::string& message) const;

 private:
  Metrics metrics_;
  AccuracyMatrix test_, validation_;
  config::Json parts_ = config::Json::object();  // known at the end only
  config::Json curve_ = config::Json::array();
  config::Json evaluations_ = config::Json::array();
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_RESULT_H_
