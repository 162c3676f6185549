#include "worker/quiet_hours.h"

#include <fmt/format.h>

#include <cctype>
#include <optional>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace dfsweep::worker {
namespace {

constexpr int kMinutesADay = 24 * 60;

// "08:00" as minutes since midnight; "24:00" is a day's end.
std::optional<int> MinuteOf(std::string_view text) {
  auto digit = [&text](size_t at) {
    return std::isdigit(static_cast<unsigned char>(text[at])) != 0;
  };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) ||
      !digit(3) || !digit(4)) {
    return std::nullopt;
  }
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  const int total = hour * 60 + minute;
  if (minute >= 60 || total > kMinutesADay) return std::nullopt;
  return total;
}

absl::Status BadSpan(std::string_view span) {
  return MakeError(absl::StatusCode::kInvalidArgument,
                   fmt::format("\"{}\" is no span of a day", span),
                   "--quiet-hours",
                   "write times like 08:00-18:00 or 22:00-07:00, separated by "
                   "commas");
}

}  // namespace

absl::StatusOr<QuietHours> QuietHours::Parse(std::string_view text) {
  QuietHours hours;
  const std::vector<std::string> spans =
      absl::StrSplit(std::string(text), ',', absl::SkipEmpty());
  for (const std::string& span : spans) {
    const std::string stripped(absl::StripAsciiWhitespace(span));
    const size_t dash = stripped.find('-');
    if (dash == std::string::npos) return BadSpan(span);
    const std::optional<int> begin = MinuteOf(stripped.substr(0, dash));
    const std::optional<int> end = MinuteOf(stripped.substr(dash + 1));
    if (!begin || !end || *begin == *end) return BadSpan(span);
    hours.spans_.push_back({*begin, *end, stripped});
  }
  return hours;
}

std::string QuietHours::SpanAt(absl::CivilMinute time) const {
  const int minute = time.hour() * 60 + time.minute();
  for (const Span& span : spans_) {
    const bool is_over_midnight = span.begin > span.end;
    const bool is_in = is_over_midnight
                           ? minute >= span.begin || minute < span.end
                           : minute >= span.begin && minute < span.end;
    if (is_in) return span.text;
  }
  return "";
}

}  // namespace dfsweep::worker
