#include "sweeps/points.h"

#include <fmt/format.h>

#include <string>

#include "model/config/parameters.h"
#include "sweeps/errors.h"

namespace dfsweep::sweeps {
namespace {

// The point in a message: only what the sweep says about it.
std::string PointText(const Json& point) {
  constexpr size_t kLongest = 200;
  std::string text;
  for (const auto& [name, value] : point.items()) {
    std::string item =
        value.is_string() ? value.get<std::string>() : value.dump();
    text += (text.empty() ? "" : ", ") + name + ": " + item;
  }
  return "{" + (text.size() > kLongest ? "…" : text) + "}";
}

// The axis of the parameter that the error is about, else the file.
std::string_view PlaceOf(const Sweep& sweep, const config::Error& error) {
  const std::string_view what = error.what_happened();
  for (const Axis& axis : sweep.axes) {
    for (const auto& [name, value] : axis.choices[0].items()) {
      if (what.find("'" + name + "'") != std::string_view::npos) {
        return axis.where;
      }
    }
  }
  return sweep.file_name;
}

}  // namespace

absl::StatusOr<Json> EffectiveAt(const Sweep& sweep, const Json& point,
                                 std::string_view where) {
  try {
    return config::Effective(point);
  } catch (const config::Error& error) {
    return Invalid(fmt::format("{}, at the point {}", error.what_happened(),
                               PointText(point)),
                   where.empty() ? PlaceOf(sweep, error) : where,
                   error.remedy());
  }
}

}  // namespace dfsweep::sweeps
