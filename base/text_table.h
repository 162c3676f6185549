#ifndef DFSWEEP_BASE_TEXT_TABLE_H_
#define DFSWEEP_BASE_TEXT_TABLE_H_

#include <string>
#include <vector>

namespace dfsweep {

struct TextColumn {
  // Columns that don't fit are hidden, the smallest priority first; of equal
  // ones the rightmost. Those of kAlways are cut with an ellipsis instead.
  static constexpr int kAlways = 1 << 20;

  std::string header;
  bool align_right = false;
  int priority = kAlways;
};

struct TextCell {
  std::string text;   // one line, printable (see display_text.h)
  bool bold = false;  // with colour only
};

// A table for a terminal, one line a row: it never wraps.
struct TextTable {
  std::vector<TextColumn> columns;
  std::vector<std::vector<TextCell>> rows;  // each as long as `columns`
};

struct RenderedTable {
  std::string text;                 // header and rows, each with '\n'
  std::vector<std::string> hidden;  // headers of the columns that didn't fit
};

// Renders in at most `width` columns; 0 means no limit. `color` underlines the
// header and sets bold cells in bold. No trailing spaces.
RenderedTable Render(const TextTable& table, int width, bool color);

// How wide the table is when nothing is hidden.
int NaturalWidth(const TextTable& table);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_TEXT_TABLE_H_
