// Members of a JSON object as texts, for configurations: short, flat, and read
// a hundred thousand times, where building values would take most of the time.
#ifndef DFSWEEP_BASE_FLAT_JSON_H_
#define DFSWEEP_BASE_FLAT_JSON_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace dfsweep {

// Views into the text that was read.
struct JsonMember {
  std::string_view name;   // as written, between its quotes
  std::string_view value;  // as written
};

// Reads one member of an object without white space. `at` is the place of the
// bracket or comma before it, and then of that behind it. False, `at` being
// anything, if there is none or it has no end.
bool ReadMember(std::string_view object, size_t& at, JsonMember& member);

// Fills `members` (it may be used again) with those of an object that has no
// white space between its parts, as canonical JSON has none; their order is
// kept. False for anything else, of which `members` then says nothing. Values
// are not checked, only where they end.
bool ReadMembers(std::string_view object, std::vector<JsonMember>& members);

// The object with those members alone whose names are in `names`; all of it if
// ReadMembers can't read it.
std::string SelectMembers(std::string_view object,
                          const std::set<std::string_view>& names);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_FLAT_JSON_H_
