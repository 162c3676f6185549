// Labels as a source gives them: numbers or names. Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_LABELS_H_
#define DFSWEEP_MODEL_DATA_LABELS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dfsweep::data {

// One a trace; one of the two is empty.
struct LabelList {
  std::vector<int64_t> numbers;  // any
  std::vector<std::string> names;

  size_t size() const { return numbers.size() + names.size(); }
};

// Throws config::Error unless there are `count` labels: numbers from 0 to
// kMaxLabel, or names that may be shown.
void CheckLabels(const LabelList& labels, int64_t count,
                 const std::string& where);

// Numbers class names in sorted order; `last`, if it occurs, gets the highest.
// Returns the labels in the order of `names` and fills `class_names`.
std::vector<int64_t> NumberNames(const std::vector<std::string>& names,
                                 const std::string& last,
                                 std::map<int64_t, std::string>* class_names);

// Labels that are rows of numbers: what to tell the user.
[[noreturn]] void RefuseLabelRows(const std::string& shape,
                                  const std::string& where);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_LABELS_H_
