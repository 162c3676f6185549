// Text of class names, between code points and UTF-8. Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_UTF8_H_
#define DFSWEEP_MODEL_DATA_UTF8_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace dfsweep::data {

// Appends a code point. False, and nothing appended, if it is none.
bool AppendUtf8(std::string* out, uint32_t code);

// Takes a code point off the front of `text`; false if that is no UTF-8.
bool TakeUtf8(std::string_view* text, uint32_t* code);

// Whether a code point may stand in a class name: no control character, so
// that a terminal shows what is there.
bool IsPrintable(uint32_t code);

// Whether `name` is UTF-8 that may be shown, and short enough for a class.
bool IsClassName(std::string_view name);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_UTF8_H_
