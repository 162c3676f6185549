#include "model/protocol/result_parts.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "model/protocol/protocol.h"

namespace dfsweep::protocol {
namespace {

using nlohmann::json;

constexpr int64_t kLargestLabel = 999'999;  // data/limits.h: kMaxLabel
constexpr int64_t kLargestCount = int64_t{1} << 53;

std::invalid_argument Wrong(const std::string& what) {
  return std::invalid_argument(what);
}

// Null if there is none. A reference: nlohmann's copy, as its dump, goes down
// into a value by recursion, and a line has room for lists a million deep.
const json& Member(const json& object, const char* name) {
  static const json& none = *new json;
  const auto member = object.find(name);
  return member == object.end() ? none : *member;
}

std::string Shown(const json& value) {
  return value.is_structured() ? value.type_name() : value.dump().substr(0, 40);
}

const json& ListIn(const json& object, const char* name, size_t most) {
  const json& list = Member(object, name);
  if (!list.is_array()) {
    throw Wrong("\"" + std::string(name) + "\" is no list");
  }
  if (list.size() > most) {
    throw Wrong("\"" + std::string(name) + "\" has more than " +
                std::to_string(most) + " entries");
  }
  return list;
}

// A whole number in [least, most].
int64_t Whole(const json& value, int64_t least, int64_t most) {
  // An unsigned one beyond int64_t would turn negative.
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<uint64_t>() <= static_cast<uint64_t>(most));
  const int64_t number = fits ? value.get<int64_t>() : least - 1;
  if (number < least || number > most) {
    throw Wrong(Shown(value) + " is no whole number from " +
                std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

// A number in [0, 1].
double Share(const json& value) {
  const double share = value.is_number() ? value.get<double>() : -1;
  if (!(share >= 0 && share <= 1)) {
    throw Wrong(Shown(value) + " is no number from 0 to 1");
  }
  return share;
}

// The counts at a threshold, and the ratios of them that are defined.
json CheckedPoint(const json& point) {
  if (!point.is_object()) throw Wrong("a point of an open world is no object");
  json checked = {{"threshold", Share(Member(point, "threshold"))}};
  for (const char* count : {"true_positives", "wrong_site", "false_negatives",
                            "false_positives", "true_negatives"}) {
    checked[count] = Whole(Member(point, count), 0, kLargestCount);
  }
  if (checked["wrong_site"] > checked["true_positives"]) {
    throw Wrong("\"wrong_site\" is more than \"true_positives\"");
  }
  for (const char* ratio : {"precision", "recall", "fpr"}) {
    if (point.contains(ratio)) checked[ratio] = Share(point[ratio]);
  }
  return checked;
}

}  // namespace

json CheckedConfusionMatrix(const json& matrix) {
  if (!matrix.is_object()) throw Wrong("a confusion matrix is no object");
  const json& labels = ListIn(matrix, "labels", kMaxConfusionLabels);
  int64_t last_label = -2;
  for (const json& label : labels) {
    last_label = Whole(label, last_label + 1, kLargestLabel);
  }
  const json& counts = ListIn(matrix, "counts", kMaxConfusionEntries);
  const auto last_place = static_cast<int64_t>(labels.size()) - 1;
  std::pair<int64_t, int64_t> last_pair = {-1, -1};
  for (const json& entry : counts) {
    if (!entry.is_array() || entry.size() != 3) {
      throw Wrong("an entry of \"counts\" is no [row, column, count]");
    }
    const std::pair pair = {Whole(entry[0], 0, last_place),
                            Whole(entry[1], 0, last_place)};
    Whole(entry[2], 1, kLargestCount);
    if (pair <= last_pair) throw Wrong("\"counts\" is not in order");
    last_pair = pair;
  }
  return {{"labels", labels}, {"counts", counts}};
}

json CheckedOpenWorld(const json& open_world) {
  if (!open_world.is_object()) throw Wrong("an open world is no object");
  const int64_t unmonitored =
      Whole(Member(open_world, "unmonitored"), 0, kLargestLabel);
  json points = json::array();
  double last_threshold = -1;
  for (const json& point : ListIn(open_world, "points", kMaxOpenWorldPoints)) {
    points.push_back(CheckedPoint(point));
    const double threshold = points.back()["threshold"];
    if (threshold <= last_threshold) throw Wrong("\"points\" is not in order");
    last_threshold = threshold;
  }
  return {{"unmonitored", unmonitored}, {"points", points}};
}

json CheckedPart(const std::string& name, const json& part) {
  if (name == kPartNames[0]) return CheckedConfusionMatrix(part);
  if (name == kPartNames[1]) return CheckedOpenWorld(part);
  throw Wrong("a result has no part \"" + name.substr(0, 40) + "\"");
}

}  // namespace dfsweep::protocol
