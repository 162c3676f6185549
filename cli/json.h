// The --json form of everything that comes over the wire. Keys and enum values
// are the proto's; 64-bit integers are numbers; times are ISO 8601 in UTC;
// durations are numbers of seconds under `<name>_seconds`; what the proto holds
// as JSON text (`configuration_json`) is an object without the `_json`; what is
// unset is null.
#ifndef DFSWEEP_CLI_JSON_H_
#define DFSWEEP_CLI_JSON_H_

#include <google/protobuf/repeated_field.h>

#include <nlohmann/json.hpp>

#include "dfsweep/v1/sweep_service.pb.h"

namespace dfsweep::cli {

using Json = nlohmann::json;

Json ToJson(const v1::DatasetRef& dataset);
Json ToJson(const v1::TrialCounts& counts);
Json ToJson(const v1::Sweep& sweep);
Json ToJson(const v1::Trial& trial);
Json ToJson(const v1::Environment& environment);
Json ToJson(const v1::DeviceStatus& device);
Json ToJson(const v1::Worker& worker);
Json ToJson(const v1::Dataset& dataset);
Json ToJson(const v1::LogLine& line);
Json ToJson(const v1::Token& token);
// `expected_time` is `expected_seconds`; a warning is {what, where, fix}.
Json ToJson(const v1::SweepPlan& plan);
Json ToJson(const v1::WatchSweepResponse& update);
Json ToJson(const v1::GetServerInfoResponse& info);

template <typename List>
Json ToJsonList(const List& list) {
  Json array = Json::array();
  for (const auto& item : list) array.push_back(ToJson(item));
  return array;
}

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_JSON_H_
