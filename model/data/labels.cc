#include "model/data/labels.h"

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/utf8.h"

namespace dfsweep::data {

void CheckLabels(const LabelList& labels, int64_t count,
                 const std::string& where) {
  if (static_cast<int64_t>(labels.size()) != count) {
    throw config::Error("there are " + std::to_string(labels.size()) +
                            " labels for " + std::to_string(count) + " traces",
                        where, "save one label for each row of X");
  }
  for (int64_t label : labels.numbers) {
    if (label >= 0 && label <= kMaxLabel) continue;
    throw config::Error(
        "the label " + std::to_string(label) + " is not between 0 and " +
            std::to_string(kMaxLabel),
        where,
        "number the classes from 0; leave out traces that have no label");
  }
  for (size_t i = 0; i < labels.names.size(); ++i) {
    if (labels.names[i].empty()) {
      throw config::Error(
          "the label of trace " + std::to_string(i) + " is an empty string",
          where, "give every trace a label");
    }
    if (IsClassName(labels.names[i])) continue;
    throw config::Error(
        "a class name has a control or invalid character, or is too long",
        where,
        "use at most " + std::to_string(kMaxClassNameBytes) +
            " letters, digits, '.', '-' and '_'");
  }
}

std::vector<int64_t> NumberNames(const std::vector<std::string>& names,
                                 const std::string& last,
                                 std::map<int64_t, std::string>* class_names) {
  std::map<std::string, int64_t> labels;
  for (const std::string& name : names) labels.emplace(name, 0);
  int64_t next = 0;
  for (auto& [name, label] : labels) {
    label = name == last ? static_cast<int64_t>(labels.size()) - 1 : next++;
    class_names->emplace(label, name);
  }
  std::vector<int64_t> result;
  result.reserve(names.size());
  for (const std::string& name : names) result.push_back(labels[name]);
  return result;
}

void RefuseLabelRows(const std::string& shape, const std::string& where) {
  throw config::Error(
      "the labels are 2-D " + shape +
          ", as for several pages in one trace (multi-tab); dfsweep classifies "
          "one page a trace",
      where,
      "use a single-tab set; if each row has exactly one 1, save "
      "y.argmax(axis=1)");
}

}  // namespace dfsweep::data
