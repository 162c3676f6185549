#include "base/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

namespace dfsweep {

void AppendJson(double value, std::string& text) {
  if (!std::isfinite(value)) {
    text += "null";
    return;
  }
  const size_t begin = text.size();
  fmt::format_to(std::back_inserter(text), "{}", value);
  const bool is_like_an_integer =
      text.find_first_of(".e", begin) == std::string::npos;
  if (is_like_an_integer) text += ".0";
}

void AppendJson(std::string_view value, std::string& text) {
  const bool is_plain = std::all_of(value.begin(), value.end(), [](char c) {
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
  });
  if (is_plain) {
    text.append("\"").append(value).append("\"");
  } else {
    text += nlohmann::json(value).dump(
        -1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

}  // namespace dfsweep
