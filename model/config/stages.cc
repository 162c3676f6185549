#include "model/config/stages.h"

#include <set>
#include <string>

namespace dfsweep::config {
namespace {

// That of naive which trains the first task alike. What is recorded on the way
// stays apart, since a stage without the record is of no use to who needs it.
Json FirstTaskOfNaive(Json configuration, bool records_path) {
  configuration["strategy"] = records_path || NeedsPath(configuration)
                                  ? "naive, with si's path"
                                  : "naive";
  for (const Parameter& parameter : Parameters()) {
    if (!Applies(parameter, configuration)) configuration.erase(parameter.name);
  }
  // What takes effect with the second task.
  configuration.erase("reset_optimizer");
  configuration.erase("forward_transfer");
  if (configuration.value("bn", "") == "freeze_after_first") {
    configuration["bn"] = "train";
  }
  if (configuration.value("active_classes", "") == "current") {
    configuration["active_classes"] = "seen";
  }
  return configuration;
}

}  // namespace

int64_t StageCount(const Json& configuration) {
  return configuration.at("strategy") == "joint" ? 1 : TaskCount(configuration);
}

int64_t StageEpochs(const Json& configuration, int64_t stage) {
  const Json& epochs = configuration.at("epochs");
  return epochs.is_object() ? epochs.at("per_task").at(stage).get<int64_t>()
                            : epochs.get<int64_t>();
}

bool TrainsFirstTaskAsNaive(const Json& configuration) {
  static const std::set<std::string> kAlways = {
      "naive", "cumulative", "ewc", "online-ewc", "si",   "ewc+si",
      "mas",   "l1",         "l2",  "lwf",        "agem", "freeze"};
  const auto strategy = configuration.at("strategy").get<std::string>();
  return kAlways.contains(strategy) ||
         (strategy == "er" &&
          configuration.at("buffer.fill") == "class_balanced");
}

bool NeedsPath(const Json& configuration) {
  const Json& strategy = configuration.at("strategy");
  return strategy == "si" || strategy == "ewc+si";
}

Json StagePrefix(const Json& configuration, int64_t stage, bool records_path) {
  Json prefix = stage == 0 && TrainsFirstTaskAsNaive(configuration)
                    ? FirstTaskOfNaive(configuration, records_path)
                    : configuration;
  Json earlier = Json::array();
  for (int64_t i = 0; i < stage; ++i) {
    earlier.push_back(StageEpochs(configuration, i));
  }
  prefix["epochs"] = earlier;
  prefix["stage"] = stage;
  return prefix;
}

}  // namespace dfsweep::config
