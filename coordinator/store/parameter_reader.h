// Reads the configurations of a sweep's trials as they are stored.
#ifndef DFSWEEP_COORDINATOR_STORE_PARAMETER_READER_H_
#define DFSWEEP_COORDINATOR_STORE_PARAMETER_READER_H_

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/flat_json.h"
#include "coordinator/results/parameter_set.h"

namespace dfsweep::coordinator {

// Made for trials in the sweep's order, where one differs from the one before
// in its seed or in a parameter or two: what they have in common is shared, and
// not even read again. Not thread-safe; the sets outlive it.
class ParameterReader {
 public:
  // The members of an object, which is read faster in canonical JSON. The set
  // stays until the next call. Throws nlohmann::json::parse_error for what is
  // no JSON, after which there must be no next call.
  const ParameterSet& Read(std::string_view configuration);

 private:
  // A parameter's newest value.
  struct Known {
    std::string text;  // name and value as written
    const ParameterSet::Member* member;
  };
  using Place = std::vector<Known>::iterator;  // in known_

  // Fills used_ from text_. False if that is not canonical.
  bool ReadShared();
  // Whether the member at `begin` is written as `text`.
  bool IsAt(size_t begin, std::string_view text) const;
  // The place of a member that is not written as the one at `known` is. Those
  // before `known` have smaller names.
  Place Know(Place known, const JsonMember& written, std::string text);

  std::string text_;  // the newest configuration
  ParameterSet parameters_;
  ParameterSet::Members used_;
  std::vector<Known> known_;  // ordered by name, as members are in text_
  // What all sets' members live in.
  std::shared_ptr<std::deque<ParameterSet::Member>> members_ =
      std::make_shared<std::deque<ParameterSet::Member>>();
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_PARAMETER_READER_H_
