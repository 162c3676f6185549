#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "base/display_text.h"
#include "base/text_table.h"
#include "coordinator/results/formats.h"

namespace dfsweep::coordinator {
namespace {

// Takes the rows.
TextTable ToTextTable(Sheet& sheet) {
  TextTable table;
  for (const SheetColumn& column : sheet.columns) {
    table.columns.push_back(
        {column.header, column.align_right, column.priority});
  }
  table.rows = std::move(sheet.rows);
  return table;
}

// "71.2 ± 0.3" -> "71.2±0.3", to fit more columns.
void Tighten(TextTable& table) {
  constexpr std::string_view kWide = " ± ";
  for (auto& row : table.rows) {
    for (TextCell& cell : row) {
      size_t place = cell.text.find(kWide);
      if (place != std::string::npos) {
        cell.text.replace(place, kWide.size(), "±");
      }
    }
  }
}

}  // namespace

std::string ToTerminal(Sheet sheet, const ExportOptions& options) {
  int width = options.width > 0 ? options.width : 80;
  TextTable table = ToTextTable(sheet);
  if (NaturalWidth(table) > width) Tighten(table);
  RenderedTable rendered = Render(table, width, options.color);

  std::string text = WrapToWidth(sheet.caption, width) + "\n" + rendered.text;
  if (!rendered.hidden.empty()) {
    sheet.notes.push_back(fmt::format(
        "hidden at {} columns: {}; widen the terminal or use --columns", width,
        fmt::join(rendered.hidden, ", ")));
  }
  if (!sheet.notes.empty()) text += "\n";
  for (const std::string& note : sheet.notes) text += WrapToWidth(note, width);
  return text;
}

}  // namespace dfsweep::coordinator
