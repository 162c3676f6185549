// Appends values as JSON, as nlohmann::json writes them, without making a value
// and a text of its own for each.
#ifndef DFSWEEP_BASE_JSON_TEXT_H_
#define DFSWEEP_BASE_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace dfsweep {

// The shortest text that is read as the same number, with a decimal point or an
// exponent ("1.0", "1e-05"). What JSON can't hold (NaN, infinity) is null.
void AppendJson(double value, std::string& text);

// In quotes. Text that is not UTF-8 is repaired rather than refused.
void AppendJson(std::string_view value, std::string& text);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_JSON_TEXT_H_
