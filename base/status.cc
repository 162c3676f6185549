#include "base/status.h"

#include <fmt/format.h>

#include "base/display_text.h"

namespace dfsweep {

absl::Status MakeError(absl::StatusCode code, std::string_view what,
                       std::string_view where, std::string_view remedy) {
  // Names in them are whatever somebody has sent.
  return absl::Status(code,
                      fmt::format("{}\n{}\n{}", Printable(what),
                                  Printable(where), Printable(remedy)));
}

ErrorParts PartsOf(std::string_view message) {
  ErrorParts parts;
  size_t first = message.find('\n');
  parts.what = message.substr(0, first);
  if (first == std::string_view::npos) return parts;
  size_t second = message.find('\n', first + 1);
  parts.where = message.substr(first + 1, second == std::string_view::npos
                                              ? second
                                              : second - first - 1);
  if (second != std::string_view::npos) {
    parts.remedy = message.substr(second + 1);
  }
  return parts;
}

std::string FormatForPerson(const absl::Status& status) {
  ErrorParts parts = PartsOf(MessageOf(status));
  std::string text = "error: " + parts.what + "\n";
  if (!parts.where.empty()) text += "  at " + parts.where + "\n";
  if (!parts.remedy.empty()) text += "  fix: " + parts.remedy + "\n";
  return text;
}

}  // namespace dfsweep
