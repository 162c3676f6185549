#include "sweeps/errors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/nearest.h"
#include "model/config/parameters.h"

namespace dfsweep::sweeps {

namespace {

// One line of bounded length: names and values in a message come from the
// file, and the three parts of an error are its lines.
std::string OneLine(std::string_view text) {
  constexpr size_t kLongest = 600;
  std::string line;
  for (char c : text) {
    bool is_start = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (is_start && line.size() >= kLongest) return line + "…";
    line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return line;
}

}  // namespace

absl::Status Invalid(std::string_view what, std::string_view where,
                     std::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, OneLine(what),
                   OneLine(where), OneLine(remedy));
}

absl::Status AtPlace(const config::Error& error, std::string_view where) {
  return Invalid(error.what_happened(), where, error.remedy());
}

absl::Status UnknownName(std::string_view kind, const std::string& name,
                         std::string_view where,
                         const std::vector<std::string>& known) {
  constexpr size_t kLongestShown = 100;
  std::string shown = name.size() > kLongestShown ? "(a very long name)" : name;
  return Invalid(
      fmt::format("there is no {} '{}'", kind, shown), where,
      DidYouMean(name, known,
                 fmt::format("use one of: {}", fmt::join(known, ", "))));
}

absl::Status CheckKeys(const Node& node, std::string_view kind,
                       const std::vector<std::string>& known) {
  for (const Entry& entry : node.entries) {
    if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
      return UnknownName(kind, entry.key, entry.where, known);
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> ParameterNames() {
  std::vector<std::string> names;
  for (const config::Parameter& parameter : config::Parameters()) {
    names.push_back(parameter.name);
  }
  return names;
}

}  // namespace dfsweep::sweeps
