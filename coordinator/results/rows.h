#ifndef DFSWEEP_COORDINATOR_RESULTS_ROWS_H_
#define DFSWEEP_COORDINATOR_RESULTS_ROWS_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace dfsweep::coordinator {

using Json = nlohmann::json;

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
  Json parameters = Json::object();       // the effective configuration, flat
  std::map<std::string, double> metrics;  // empty without a result
  Json accuracy_matrix = Json::array();  // [i][j]: task j after task i, 0 … 1
  Json learning_curve = Json::array();   // [{task, epoch, metrics…}]
  std::string worker;                    // name; "" before the first attempt
  Json environment = Json::object();     // keys as in model/protocol
  struct Dataset {
    std::string name;
    std::string digest;
  } dataset;
  std::string started_at;   // RFC 3339, UTC; "" if not started
  std::string finished_at;  // RFC 3339, UTC; "" if not ended
  double train_seconds = 0;
  // Those of model/protocol/result_parts.h, by name.
  std::map<std::string, Json> parts;
  std::string message;  // why it failed or diverged: what, where, remedy
};

// The row as a JSONL line without '\n': keys in the order above, missing times
// as null.
std::string ToJsonLine(const ResultRow& row);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_ROWS_H_
