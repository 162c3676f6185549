#include "cli/text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/display_text.h"

namespace dfsweep::cli {
namespace {

constexpr size_t kShortIdDigits = 8;

// 1e+08 -> 1e8, 1e-05 -> 1e-5.
std::string TidyExponent(std::string text) {
  size_t e = text.find('e');
  if (e == std::string::npos) return text;
  std::string mantissa = text.substr(0, e);
  std::string sign = text[e + 1] == '-' ? "-" : "";
  size_t digits = text.find_first_not_of("+-0", e + 1);
  return mantissa + "e" + sign +
         (digits == std::string::npos ? "0" : text.substr(digits));
}

}  // namespace

std::string NumberText(double value) {
  return TidyExponent(fmt::format("{:.4g}", value));
}

std::string ValueText(const Json& value) {
  if (value.is_string()) return Printable(value.get<std::string>());
  if (!value.is_number()) {
    return Printable(
        value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  // Canonical JSON writes 1e8 as 100000000.
  char text[32];
  auto [end, error] =
      std::to_chars(text, text + sizeof text, value.get<double>());
  return TidyExponent(std::string(text, end));
}

std::string DurationText(absl::Duration duration) {
  int64_t seconds = absl::ToInt64Seconds(duration + absl::Milliseconds(500));
  if (seconds < 60) return fmt::format("{}s", seconds);
  int64_t minutes = seconds / 60;
  if (minutes < 60) return fmt::format("{}m{:02}s", minutes, seconds % 60);
  int64_t hours = minutes / 60;
  if (hours < 24) return fmt::format("{}h{:02}m", hours, minutes % 60);
  return fmt::format("{}d{}h", hours / 24, hours % 24);
}

std::string AgeText(const google::protobuf::Timestamp& time, absl::Time now) {
  if (time.seconds() == 0) return "";
  absl::Duration age = now - FromProto(time);
  return age < absl::Seconds(1) ? "just now" : DurationText(age) + " ago";
}

std::string BytesText(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 100 ? 0 : 1,
                     kUnits[unit]);
}

std::string CountText(int64_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string FirstLine(const std::string& message) {
  return Printable(message.substr(0, message.find('\n')));
}

std::string ShortId(const std::string& id) {
  return Printable(id.substr(0, kShortIdDigits));
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) +
         absl::Nanoseconds(time.nanos());
}

Json ParseObject(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json::object();
}

std::string ParametersText(const Json& configuration,
                           const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    auto found = configuration.find(name);
    if (found == configuration.end()) continue;
    if (!text.empty()) text += ' ';
    text += name + "=" + ValueText(*found);
  }
  return text;
}

std::string ShellQuoted(const std::vector<std::string>& arguments) {
  constexpr char kPlain[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
      "0123456789._-+=:,/@%";
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    if (!argument.empty() &&
        argument.find_first_not_of(kPlain) == std::string::npos) {
      line += argument;
      continue;
    }
    line += '\'';
    for (char c : argument) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace dfsweep::cli
