#include "sweeps/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "base/digest.h"
#include "model/config/parameters.h"
#include "sweeps/scalar.h"

namespace dfsweep::sweeps {
namespace {

using nlohmann::json;

// Number::toString of ECMA-262, section 6.1.6.1.20: the shortest digits that
// read back as the same double, laid out by the size of the exponent.
std::string NumberText(double value) {
  if (!std::isfinite(value)) {
    throw std::invalid_argument("JSON has no infinite or missing number");
  }
  if (value == 0) return "0";  // -0 too
  if (value < 0) return "-" + NumberText(-value);
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                           std::chars_format::scientific)
                 .ptr;
  std::string_view text(buffer, end - buffer);  // d[.ddd]e±dd
  size_t e = text.find('e');
  int exponent = std::stoi(std::string(text.substr(e + 1)));
  std::string digits(text.substr(0, e));
  std::erase(digits, '.');

  auto k = static_cast<int>(digits.size());
  int n = exponent + 1;  // value = 0.digits × 10^n
  if (k <= n && n <= 21) return digits + std::string(n - k, '0');
  if (0 < n && n <= 21) return digits.insert(n, ".");
  if (-6 < n && n <= 0) return "0." + std::string(-n, '0') + digits;
  if (k > 1) digits.insert(1, ".");
  return fmt::format("{}e{}{}", digits, exponent < 0 ? "-" : "+",
                     std::abs(exponent));
}

std::string StringText(const std::string& text) {
  if (!IsUtf8(text)) throw std::invalid_argument("a string is not UTF-8");
  std::string quoted = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        quoted += "\\\"";
        break;
      case '\\':
        quoted += "\\\\";
        break;
      case '\b':
        quoted += "\\b";
        break;
      case '\f':
        quoted += "\\f";
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          quoted += fmt::format("\\u{:04x}", c);
        } else {
          quoted += c;
        }
    }
  }
  return quoted + "\"";
}

// Orders UTF-8 strings as their UTF-16 code units would be. Bytes order by
// code point, which differs only between U+E000…U+FFFF (lead byte EE, EF) and
// the surrogate pairs D800…DFFF of larger code points (lead byte F0 and up).
bool Utf16Less(const std::string& a, const std::string& b) {
  auto rank = [](char c) {
    auto byte = static_cast<unsigned char>(c);
    if (byte == 0xEE || byte == 0xEF) return byte + 0x100;
    return static_cast<int>(byte);
  };
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(),
      [&](char x, char y) { return rank(x) < rank(y); });
}

std::string ObjectText(const json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  std::sort(keys.begin(), keys.end(), Utf16Less);
  std::string text = "{";
  for (const std::string& key : keys) {
    if (text.size() > 1) text += ",";
    text += StringText(key) + ":" + CanonicalJson(object[key]);
  }
  return text + "}";
}

}  // namespace

std::string CanonicalJson(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return NumberText(value.get<double>());
    case json::value_t::string:
      return StringText(value.get_ref<const std::string&>());
    case json::value_t::array: {
      std::string text = "[";
      for (const json& item : value) {
        if (text.size() > 1) text += ",";
        text += CanonicalJson(item);
      }
      return text + "]";
    }
    case json::value_t::object:
      return ObjectText(value);
    case json::value_t::binary:
    case json::value_t::discarded:
      break;
  }
  throw std::invalid_argument("not a JSON value");
}

std::string TrialId(const json& effective, std::string_view dataset_digest,
                    int64_t seed) {
  return TrialIdOfCanonical(CanonicalJson(effective), dataset_digest, seed);
}

std::string TrialIdOfCanonical(std::string_view canonical,
                               std::string_view dataset_digest, int64_t seed) {
  return Sha256Hex(
      CanonicalSeeded("parameters", canonical, dataset_digest, seed));
}

std::string CanonicalSeeded(std::string_view key, std::string_view canonical,
                            std::string_view dataset_digest, int64_t seed) {
  return fmt::format(R"({{"dataset":{},"{}":{},"schema":{},"seed":{}}})",
                     StringText(std::string(dataset_digest)), key, canonical,
                     config::kSchemaVersion, CanonicalJson(seed));
}

}  // namespace dfsweep::sweeps
