#include "base/flat_json.h"

#include <cstddef>

namespace dfsweep {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Where the string that begins at `begin` ends, behind its quote; kNone if it
// does not.
size_t EndOfString(std::string_view text, size_t begin) {
  for (size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return kNone;
}

// The same of any value: at the comma or bracket that follows it.
size_t EndOfValue(std::string_view text, size_t begin) {
  int depth = 0;
  for (size_t i = begin; i < text.size();) {
    switch (text[i]) {
      case '"':
        i = EndOfString(text, i);
        if (i == kNone) return kNone;
        continue;
      case ',':
        if (depth == 0) return i;
        break;
      case '[':
      case '{':
        ++depth;
        break;
      case ']':
      case '}':
        if (depth-- == 0) return i;
        break;
      default:
        break;
    }
    ++i;
  }
  return kNone;
}

}  // namespace

bool ReadMember(std::string_view object, size_t& at, JsonMember& member) {
  const size_t name = at + 1;
  if (name >= object.size() || object[name] != '"') return false;
  at = EndOfString(object, name);
  if (at == kNone || at >= object.size() || object[at] != ':') return false;
  const size_t value = at + 1;
  at = EndOfValue(object, value);
  if (at == kNone || at == value) return false;
  member = {object.substr(name + 1, value - name - 3),
            object.substr(value, at - value)};
  return true;
}

bool ReadMembers(std::string_view object, std::vector<JsonMember>& members) {
  members.clear();
  if (object == "{}") return true;
  if (object.empty() || object[0] != '{') return false;
  size_t at = 0;
  do {
    if (!ReadMember(object, at, members.emplace_back())) return false;
  } while (object[at] == ',');
  return object[at] == '}' && at + 1 == object.size();
}

std::string SelectMembers(std::string_view object,
                          const std::set<std::string_view>& names) {
  std::vector<JsonMember> members;
  members.reserve(64);
  if (!ReadMembers(object, members)) return std::string(object);
  std::string selected = "{";
  for (const JsonMember& member : members) {
    if (!names.contains(member.name)) continue;
    if (selected.size() > 1) selected += ',';
    selected.append("\"").append(member.name).append("\":");
    selected.append(member.value);
  }
  return selected + "}";
}

}  // namespace dfsweep
