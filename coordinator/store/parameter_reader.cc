#include "coordinator/store/parameter_reader.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace dfsweep::coordinator {

using Json = nlohmann::json;

const ParameterSet& ParameterReader::Read(std::string_view configuration) {
  if (configuration != text_) {
    text_ = configuration;
    parameters_ = ReadShared() ? ParameterSet(used_, members_)
                               : ParameterSet(Json::parse(text_));
  }
  return parameters_;
}

bool ParameterReader::ReadShared() {
  if (!text_.starts_with('{')) return false;
  used_.clear();
  Place known = known_.begin();
  size_t at = 0;
  do {
    const size_t begin = at + 1;
    if (known != known_.end() && IsAt(begin, known->text)) {
      at = begin + known->text.size();
    } else {
      JsonMember written;
      if (!ReadMember(text_, at, written)) return false;
      known = Know(known, written, text_.substr(begin, at - begin));
    }
    used_.push_back(known->member);
    ++known;
  } while (text_[at] == ',');
  return at + 1 == text_.size() && text_[at] == '}';
}

bool ParameterReader::IsAt(size_t begin, std::string_view text) const {
  const size_t end = begin + text.size();
  return end < text_.size() && (text_[end] == ',' || text_[end] == '}') &&
         text_.compare(begin, text.size(), text) == 0;
}

ParameterReader::Place ParameterReader::Know(Place known,
                                             const JsonMember& written,
                                             std::string text) {
  const std::string_view name = written.name;
  while (known != known_.end() && known->member->name < name) ++known;
  const bool is_new = known == known_.end() || known->member->name != name;
  if (!is_new && known->text == text) return known;
  const ParameterSet::Member& member = members_->emplace_back(
      ParameterSet::Member{std::string(name), Json::parse(written.value)});
  if (is_new) known = known_.emplace(known);
  *known = {std::move(text), &member};
  return known;
}

}  // namespace dfsweep::coordinator
