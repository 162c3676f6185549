#ifndef DFSWEEP_BASE_DISPLAY_TEXT_H_
#define DFSWEEP_BASE_DISPLAY_TEXT_H_

#include <string>
#include <string_view>

// UTF-8 text as a terminal shows it. Width counts columns: wide characters
// (Korean, Chinese, Japanese, most emoji) take two, combining marks none.
namespace dfsweep {

int DisplayWidth(std::string_view text);

// `text` cut to at most `width` columns, the last one an ellipsis if anything
// was cut.
std::string CutToWidth(std::string_view text, int width);

// `text` filled up with spaces to `width` columns; never cut.
std::string PadLeft(std::string_view text, int width);
std::string PadRight(std::string_view text, int width);

// `text` broken at spaces into lines of at most `width` columns, each with
// '\n'. Further lines are indented by two. A word that is too long is cut.
std::string WrapToWidth(std::string_view text, int width);

// `text` from elsewhere made safe to print: control characters (escape
// sequences, C1 controls, direction overrides) become spaces, bytes that are
// not UTF-8 become U+FFFD. Newlines stay if `keep_newlines`.
std::string Printable(std::string_view text, bool keep_newlines = false);

// A number as people write it: 0.5, 10000, 1e8. Reads back as the same number.
std::string NumberText(double value);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_DISPLAY_TEXT_H_
