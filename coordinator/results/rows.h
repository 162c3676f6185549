#ifndef DFSWEEP_COORDINATOR_RESULTS_ROWS_H_
#define DFSWEEP_COORDINATOR_RESULTS_ROWS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/results/metric_set.h"
#include "coordinator/results/parameter_set.h"

namespace dfsweep::coordinator {

using Json = nlohmann::json;

// JSON that never changes and that many rows have in common: copies share it.
class SharedJson {
 public:
  SharedJson() : value_(Empty()) {}
  SharedJson(Json value)
      : value_(std::make_shared<const Json>(std::move(value))) {}
  SharedJson(Json::initializer_list_t members) : SharedJson(Json(members)) {}

  const Json& operator*() const { return *value_; }
  const Json* operator->() const { return value_.get(); }

  // Quicker than ==: false says nothing about equality.
  bool IsSame(const SharedJson& other) const { return value_ == other.value_; }
  bool operator==(const SharedJson& other) const {
    return IsSame(other) || *value_ == *other.value_;
  }

 private:
  static const std::shared_ptr<const Json>& Empty() {
    static const auto& empty =
        *new std::shared_ptr<const Json>(new Json(Json::object()));
    return empty;
  }

  std::shared_ptr<const Json> value_;
};

// One trial of a sweep with what its accepted result found. The members are
// the keys of a JSONL row, in this order, except `message`; each part that
// there is is a key of its own.
struct ResultRow {
  std::string trial_id;
  std::string sweep;   // its name
  std::string status;  // pending | leased | running | completed | diverged |
                       // failed | cancelled | pruned
  int64_t seed = 0;
  int attempt = 0;  // of the accepted result, else the newest; 0: none yet
  ParameterSet parameters;  // the effective configuration
  MetricSet metrics;        // empty: no result
  // [i][j]: task j after task i, 0 … 1
  std::vector<std::vector<double>> accuracy_matrix;
  std::string learning_curve = "[]";  // JSON: [{task, epoch, metrics…}]
  std::string worker;                 // name; "" before the first attempt
  SharedJson environment;             // keys as in model/protocol
  struct Dataset {
    std::string name;
    std::string digest;
  } dataset;
  std::string started_at;   // RFC 3339, UTC; "" if not started
  std::string finished_at;  // RFC 3339, UTC; "" if not ended
  double train_seconds = 0;
  // JSON of those of model/protocol/result_parts.h, by name.
  std::map<std::string, std::string> parts;
  std::string message;  // why it failed or diverged: what, where, remedy
};

// The row as a JSONL line without '\n': keys in the order above, missing times
// as null.
std::string ToJsonLine(const ResultRow& row);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_ROWS_H_
