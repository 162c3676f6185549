#include "sweeps/scalar.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

namespace dfsweep::sweeps {
namespace {

using nlohmann::json;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t SkipDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool LooksLikeNumber(std::string_view text, bool* is_integer) {
  size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  size_t whole = SkipDigits(text, at);
  bool has_digits = whole > at;
  *is_integer = true;
  at = whole;
  if (at < text.size() && text[at] == '.') {
    *is_integer = false;
    size_t fraction = SkipDigits(text, at + 1);
    has_digits = has_digits || fraction > at + 1;
    at = fraction;
  }
  if (!has_digits) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    *is_integer = false;
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    size_t exponent = SkipDigits(text, at);
    if (exponent == at) return false;
    at = exponent;
  }
  return at == text.size();
}

json Number(std::string_view text, bool is_integer) {
  if (text[0] == '+') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  if (is_integer) {
    int64_t integer = 0;
    auto result = std::from_chars(text.data(), end, integer);
    if (result.ec == std::errc()) return integer;
  }
  // Overflow gives infinity here, which the reader refuses.
  return std::strtod(std::string(text).c_str(), nullptr);
}

bool ParsePrefixed(std::string_view text, int base, json* value) {
  int64_t integer = 0;
  const char* end = text.data() + text.size();
  auto result = std::from_chars(text.data() + 2, end, integer, base);
  if (text.size() < 3 || text[2] == '-' || result.ec != std::errc() ||
      result.ptr != end) {
    return false;
  }
  *value = integer;
  return true;
}

bool IsInfinity(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    text.remove_prefix(1);
  }
  return text == ".inf" || text == ".Inf" || text == ".INF";
}

}  // namespace

json ResolvePlainScalar(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" ||
      text == "NULL") {
    return nullptr;
  }
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (IsInfinity(text)) return std::numeric_limits<double>::infinity();
  if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  json prefixed;
  if ((text.starts_with("0x") && ParsePrefixed(text, 16, &prefixed)) ||
      (text.starts_with("0o") && ParsePrefixed(text, 8, &prefixed))) {
    return prefixed;
  }
  bool is_integer = false;
  if (LooksLikeNumber(text, &is_integer)) return Number(text, is_integer);
  return std::string(text);
}

bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto lead = static_cast<unsigned char>(text[i]);
    size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 ||
        i + length > text.size()) {
      return false;
    }
    uint32_t code = length == 1 ? lead : lead & (0xFF >> (length + 1));
    for (size_t k = 1; k < length; ++k) {
      auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      code = code << 6 | (next & 0x3F);
    }
    bool overlong = (length == 3 && code < 0x800) ||
                    (length == 4 && (code < 0x10000 || code > 0x10FFFF));
    if (overlong || (code >= 0xD800 && code <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

}  // namespace dfsweep::sweeps
