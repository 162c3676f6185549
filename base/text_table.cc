#include "base/text_table.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "base/display_text.h"

namespace dfsweep {
namespace {

constexpr int kGap = 2;
constexpr int kLeastWidth = 3;  // of a column that is cut
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kUnderline = "\x1b[4m";
constexpr std::string_view kReset = "\x1b[0m";

std::vector<int> NaturalWidths(const TextTable& table) {
  std::vector<int> widths;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    int width = DisplayWidth(table.columns[c].header);
    for (const auto& row : table.rows) {
      width = std::max(width, DisplayWidth(row[c].text));
    }
    widths.push_back(width);
  }
  return widths;
}

int Total(const std::vector<int>& widths, const std::vector<size_t>& shown) {
  int total = shown.empty() ? 0 : kGap * static_cast<int>(shown.size() - 1);
  for (size_t c : shown) total += widths[c];
  return total;
}

// Takes columns out of `shown` until the rest fits or only kAlways is left.
void HideUntilItFits(const TextTable& table, const std::vector<int>& widths,
                     int width, std::vector<size_t>& shown) {
  while (Total(widths, shown) > width) {
    auto least = shown.end();
    for (auto it = shown.begin(); it != shown.end(); ++it) {
      int priority = table.columns[*it].priority;
      if (priority == TextColumn::kAlways) continue;
      if (least == shown.end() || priority <= table.columns[*least].priority) {
        least = it;
      }
    }
    if (least == shown.end()) return;
    shown.erase(least);
  }
}

// Narrows the widest column until the row fits.
void CutUntilItFits(int width, const std::vector<size_t>& shown,
                    std::vector<int>& widths) {
  while (Total(widths, shown) > width) {
    size_t widest = *std::max_element(
        shown.begin(), shown.end(),
        [&widths](size_t a, size_t b) { return widths[a] < widths[b]; });
    if (widths[widest] <= kLeastWidth) return;
    --widths[widest];
  }
}

// Appends a cell filled up to its column's width, styled without the padding.
void AppendCell(std::string_view text, const TextColumn& column, int width,
                std::string_view style, std::string& out) {
  std::string cut;
  int taken = DisplayWidth(text);
  if (taken > width) {
    cut = CutToWidth(text, width);
    text = cut;
    taken = DisplayWidth(text);
  }
  const int padding = width - taken;
  if (column.align_right) out.append(padding, ' ');
  out.append(style).append(text);
  if (!style.empty()) out.append(kReset);
  if (!column.align_right) out.append(padding, ' ');
}

}  // namespace

int NaturalWidth(const TextTable& table) {
  std::vector<size_t> all(table.columns.size());
  std::iota(all.begin(), all.end(), 0);
  return Total(NaturalWidths(table), all);
}

RenderedTable Render(const TextTable& table, int width, bool color) {
  std::vector<int> widths = NaturalWidths(table);
  std::vector<size_t> shown(table.columns.size());
  std::iota(shown.begin(), shown.end(), 0);
  RenderedTable result;
  if (width > 0) {
    HideUntilItFits(table, widths, width, shown);
    CutUntilItFits(width, shown, widths);
  }
  for (size_t c = 0; c < table.columns.size(); ++c) {
    if (std::find(shown.begin(), shown.end(), c) == shown.end()) {
      result.hidden.push_back(table.columns[c].header);
    }
  }

  auto append = [&](const auto& text_of, auto style_of) {
    const size_t begin = result.text.size();
    for (size_t i = 0; i < shown.size(); ++i) {
      size_t c = shown[i];
      if (i > 0) result.text.append(kGap, ' ');
      AppendCell(text_of(c), table.columns[c], widths[c], style_of(c),
                 result.text);
    }
    // Without spaces at the line's end.
    while (result.text.size() > begin && result.text.back() == ' ') {
      result.text.pop_back();
    }
    result.text += '\n';
  };
  append([&](size_t c) -> std::string_view { return table.columns[c].header; },
         [&](size_t) { return color ? kUnderline : ""; });
  for (const auto& row : table.rows) {
    append([&](size_t c) -> std::string_view { return row[c].text; },
           [&](size_t c) { return color && row[c].bold ? kBold : ""; });
  }
  return result;
}

}  // namespace dfsweep
