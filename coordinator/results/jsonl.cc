#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/json_text.h"
#include "coordinator/results/formats.h"

namespace dfsweep::coordinator {
namespace {

// One line; text that is not UTF-8 is repaired rather than refused.
std::string Dump(const auto& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
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

// Writes trials. Most of a line is text that it has in common with others or
// that needs no escaping, and a Dump costs several allocations: together they
// are a third of the time of making each line one JSON value.
class TrialWriter {
 public:
  explicit TrialWriter(std::string& text) : text_(text) {}

  void Add(const ResultRow& row) {
    text_ += "{\"trial_id\":";
    AppendJson(row.trial_id, text_);
    AddMember("sweep", row.sweep);
    AddMember("status", row.status);
    text_ += fmt::format(",\"seed\":{},\"attempt\":{}", row.seed, row.attempt);
    AddMember("parameters", row.parameters, parameters_);
    AddName("metrics");
    AddMetrics(row.metrics);
    AddName("accuracy_matrix");
    AddList(row.accuracy_matrix);
    AddJson("learning_curve", row.learning_curve);
    AddMember("worker", row.worker);
    AddMember("environment", row.environment, environment_);
    text_ += ",\"dataset\":{\"name\":";
    AppendJson(row.dataset.name, text_);
    AddMember("digest", row.dataset.digest);
    text_ += '}';
    AddTime("started_at", row.started_at);
    AddTime("finished_at", row.finished_at);
    AddMember("train_seconds", row.train_seconds);
    for (const auto& [name, json] : row.parts) AddJson(name, json);
    text_ += '}';
  }

 private:
  // What a value was last written as, so that an equal one need not be.
  template <typename T>
  struct Written {
    T value{};
    std::string text = "{}";
  };

  void AddName(const std::string& name) {
    text_.append(",\"").append(name).append("\":");
  }
  void AddJson(const std::string& name, const std::string& json) {
    AddName(name);
    text_ += json;
  }
  void AddMember(const std::string& name, const std::string& value) {
    AddName(name);
    AppendJson(value, text_);
  }
  void AddMember(const std::string& name, double value) {
    AddName(name);
    AppendJson(value, text_);
  }
  template <typename T>
  void AddMember(const std::string& name, const T& value, Written<T>& last) {
    if (!value.IsSame(last.value)) last = {value, TextOf(value)};
    AddJson(name, last.text);
  }
  static std::string TextOf(const SharedJson& value) { return Dump(*value); }
  std::string TextOf(const ParameterSet& parameters) {
    members_.resize(parameters.members().size());
    std::string text;
    for (size_t i = 0; i < members_.size(); ++i) {
      const ParameterSet::Member* member = parameters.members()[i];
      Written<const ParameterSet::Member*>& last = members_[i];
      if (member != last.value) {
        last = {member, Dump(Json(member->name)) + ":" + Dump(member->value)};
      }
      text += i == 0 ? '{' : ',';
      text += last.text;
    }
    return text.empty() ? "{}" : text + "}";
  }
  void AddTime(const std::string& name, const std::string& time) {
    if (!time.empty()) return AddMember(name, time);
    AddJson(name, "null");
  }
  void AddMetrics(const MetricSet& metrics) {
    char separator = '{';
    for (const auto& [name, value] : metrics) {
      text_ += std::exchange(separator, ',');
      AppendJson(*name, text_);
      text_ += ':';
      AppendJson(value, text_);
    }
    text_ += metrics.empty() ? "{}" : "}";
  }
  void AddValue(double value) { AppendJson(value, text_); }
  void AddValue(const std::vector<double>& values) { AddList(values); }
  void AddList(const auto& values) {
    char separator = '[';
    for (const auto& value : values) {
      text_ += std::exchange(separator, ',');
      AddValue(value);
    }
    text_ += values.empty() ? "[]" : "]";
  }

  std::string& text_;
  Written<ParameterSet> parameters_;
  std::vector<Written<const ParameterSet::Member*>> members_;  // its members
  Written<SharedJson> environment_;
};

}  // namespace

std::string ToJsonLine(const ResultRow& row) {
  std::string line;
  TrialWriter(line).Add(row);
  return line;
}

std::string ToJsonl(const View& view) {
  std::string text;
  TrialWriter writer(text);
  for (const Group& group : view.groups) {
    if (view.trials) {
      writer.Add(*group.rows.front());
    } else {
      text += ConfigurationLine(view, group);
    }
    text += '\n';
    // Lines are about as long as the first: no growing, which copies.
    if (&group == &view.groups.front()) {
      text.reserve(text.size() * view.groups.size() * 9 / 8);
    }
  }
  return text;
}

}  // namespace dfsweep::coordinator
