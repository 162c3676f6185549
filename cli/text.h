// Numbers, times and names as people read them.
#ifndef DFSWEEP_CLI_TEXT_H_
#define DFSWEEP_CLI_TEXT_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace dfsweep::cli {

using Json = nlohmann::json;

// 0.4312 (four significant digits), 1e8, 12.
std::string NumberText(double value);

// The shortest text that means the same: 1e6, 0.002, ewc, true, ["0-42"].
std::string ValueText(const Json& value);

// 12s, 1m20s, 3h10m, 2d4h.
std::string DurationText(absl::Duration duration);

// "3m20s ago"; "just now"; "" for an unset time.
std::string AgeText(const google::protobuf::Timestamp& time, absl::Time now);

// 12 B, 3.4 MB.
std::string BytesText(int64_t bytes);

// "1 trial", "3 trials".
std::string CountText(int64_t count, const std::string& noun);

// The first line of an error message of three.
std::string FirstLine(const std::string& message);

// First digits of a trial id, as many as people need.
std::string ShortId(const std::string& id);

absl::Duration FromProto(const google::protobuf::Duration& duration);
absl::Time FromProto(const google::protobuf::Timestamp& time);

// The object of a JSON text from elsewhere; an empty one if it is none.
Json ParseObject(const std::string& text);

// "strategy=ewc ewc.lambda=1e8": those of `names` that `configuration` has.
std::string ParametersText(const Json& configuration,
                           const std::vector<std::string>& names);

// `arguments` as a shell would take them, with quotes where needed.
std::string ShellQuoted(const std::vector<std::string>& arguments);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_TEXT_H_
