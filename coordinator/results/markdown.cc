#include <fmt/format.h>

#include "base/display_text.h"
#include "coordinator/results/formats.h"

namespace dfsweep::coordinator {
namespace {

std::string Escape(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    if (std::string_view("\\`*_|<>[]").find(c) != std::string_view::npos) {
      escaped += '\\';
    }
    escaped += c;
  }
  return escaped;
}

// Text that can't end the comment it is in.
std::string InComment(std::string text) {
  for (size_t place; (place = text.find("-->")) != std::string::npos;) {
    text.replace(place, 3, "-- >");
  }
  return Printable(text);
}

}  // namespace

std::string ToMarkdown(const Sheet& sheet, const ExportOptions& options,
                       const std::string& source) {
  std::string text =
      fmt::format("<!-- {}\n     {} -->\n{}\n\n", InComment(options.command),
                  InComment(source), Escape(sheet.caption));
  std::string rule = "|";
  text += "|";
  for (const SheetColumn& column : sheet.columns) {
    text += fmt::format(" {}{} |", Escape(column.header),
                        column.unit.empty() ? "" : " (" + column.unit + ")");
    rule += column.align_right ? " ---: |" : " --- |";
  }
  text += "\n" + rule + "\n";
  for (const auto& row : sheet.rows) {
    text += "|";
    for (const TextCell& cell : row) {
      const std::string_view mark = cell.bold ? "**" : "";
      text += fmt::format(" {0}{1}{0} |", mark, Escape(cell.text));
    }
    text += "\n";
  }
  if (!sheet.notes.empty()) text += "\n";
  for (const std::string& note : sheet.notes) {
    text += "- " + Escape(note) + "\n";
  }
  return text;
}

}  // namespace dfsweep::coordinator
