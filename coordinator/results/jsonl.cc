#include <utility>

#include "coordinator/results/formats.h"

namespace dfsweep::coordinator {
namespace {

// One line; text that is not UTF-8 is repaired rather than refused.
std::string Dump(const auto& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Keeps the order of its members.
using OrderedJson = nlohmann::ordered_json;

OrderedJson TimeOrNull(const std::string& time) {
  return time.empty() ? OrderedJson() : OrderedJson(time);
}

std::string ConfigurationLine(const View& view, const Group& group) {
  Json parameters = Json::object();
  for (size_t p = 0; p < view.parameters.size(); ++p) {
    if (group.parameters[p] != nullptr) {
      parameters[view.parameters[p]] = *group.parameters[p];
    }
  }
  Json metrics = Json::object();
  for (size_t m = 0; m < view.metrics.size(); ++m) {
    const Summary& summary = group.metrics[m];
    if (summary.n == 0) continue;
    Json& metric = metrics[view.metrics[m]];
    metric = {{"n", summary.n}, {"mean", summary.mean}};
    if (summary.sd) metric["sd"] = *summary.sd;
    if (summary.half_width) {
      metric["ci95"] = {summary.mean - *summary.half_width,
                        summary.mean + *summary.half_width};
    }
  }
  const Counts& counts = group.counts;
  return Dump(Json{{"parameters", parameters},
                   {"metrics", metrics},
                   {"n", counts.completed},
                   {"diverged", counts.diverged},
                   {"failed", counts.failed},
                   {"cancelled", counts.cancelled},
                   {"pruned", counts.pruned},
                   {"open", counts.open},
                   {"mixed_provenance", group.odd_provenance}});
}

}  // namespace

std::string ToJsonLine(const ResultRow& row) {
  const std::pair<const char*, OrderedJson> members[] = {
      {"trial_id", row.trial_id},
      {"sweep", row.sweep},
      {"status", row.status},
      {"seed", row.seed},
      {"attempt", row.attempt},
      {"parameters", *row.parameters},
      {"metrics", row.metrics},
      {"accuracy_matrix", row.accuracy_matrix},
      {"learning_curve", row.learning_curve},
      {"worker", row.worker},
      {"environment", *row.environment},
      {"dataset", {{"name", row.dataset.name}, {"digest", row.dataset.digest}}},
      {"started_at", TimeOrNull(row.started_at)},
      {"finished_at", TimeOrNull(row.finished_at)},
      {"train_seconds", row.train_seconds}};
  std::string line;
  auto add = [&line](const std::string& name, const auto& value) {
    line += (line.empty() ? "{\"" : ",\"") + name + "\":" + Dump(value);
  };
  for (const auto& [name, value] : members) add(name, value);
  for (const auto& [name, value] : row.parts) add(name, value);
  return line + "}";
}

std::string ToJsonl(const View& view) {
  std::string text;
  for (const Group& group : view.groups) {
    text += view.trials ? ToJsonLine(*group.rows.front())
                        : ConfigurationLine(view, group);
    text += '\n';
  }
  return text;
}

}  // namespace dfsweep::coordinator
