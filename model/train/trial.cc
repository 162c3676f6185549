#include "model/train/trial.h"

#include <utility>

namespace dfsweep::model {
namespace {

using config::Json;

std::string Text(const Json& object, const char* name) {
  auto value = object.find(name);
  return value != object.end() && value->is_string() ? value->get<std::string>()
                                                     : "";
}

}  // namespace

Trial ParseTrial(const Json& trial, const std::filesystem::path& folder) {
  auto refuse = [](const std::string& what) {
    return config::Error("the trial has no " + what, "",
                         "write it as model/protocol/PROTOCOL.md says");
  };
  if (!trial.is_object()) throw refuse("JSON object");
  auto dataset = trial.find("dataset");
  if (dataset == trial.end() || !dataset->is_object() ||
      Text(*dataset, "path").empty()) {
    throw refuse("'dataset' with a 'path'");
  }
  auto parameters = trial.find("parameters");
  if (parameters == trial.end() || !parameters->is_object()) {
    throw refuse("'parameters' object");
  }
  auto seed = trial.find("seed");
  if (seed == trial.end() || !seed->is_number_unsigned()) {
    throw refuse("'seed' that is a whole number from 0 up");
  }
  return {.id = Text(trial, "trial_id"),
          .dataset = folder / Text(*dataset, "path"),
          .dataset_digest = Text(*dataset, "digest"),
          .configuration = config::Configuration(*parameters),
          .seed = seed->get<uint64_t>()};
}

}  // namespace dfsweep::model
