#include <fmt/format.h>

#include <map>

#include "base/display_text.h"
#include "coordinator/results/formats.h"

namespace dfsweep::coordinator {
namespace {

std::string Escape(std::string_view text) {
  static const auto& replacements =
      *new std::map<std::string_view, std::string_view>{
          {"\\", "\\textbackslash{}"},
          {"{", "\\{"},
          {"}", "\\}"},
          {"$", "\\$"},
          {"&", "\\&"},
          {"#", "\\#"},
          {"%", "\\%"},
          {"_", "\\_"},
          {"^", "\\textasciicircum{}"},
          {"~", "\\textasciitilde{}"},
          {"<", "\\textless{}"},
          {">", "\\textgreater{}"},
          {"|", "\\textbar{}"},
          {"*", "{*}"},  // \\ takes one after it for its own
          {"[", "{[}"},
          {"]", "{]}"},
          {"±", "$\\pm$"},
          {"–", "--"},
          {"†", "\\textdagger{}"},
          {"‡", "\\textdaggerdbl{}"},
      };
  std::string escaped;
  while (!text.empty()) {
    bool replaced = false;
    for (size_t size : {1, 2, 3}) {  // bytes of a character
      auto found = replacements.find(text.substr(0, size));
      if (found == replacements.end()) continue;
      escaped += found->second;
      text.remove_prefix(found->first.size());
      replaced = true;
      break;
    }
    if (replaced) continue;
    escaped += text.front();
    text.remove_prefix(1);
  }
  return escaped;
}

}  // namespace

std::string ToLatex(const Sheet& sheet, const ExportOptions& options,
                    const std::string& source) {
  std::string text =
      fmt::format("% {}\n% {}\n% needs \\usepackage{{booktabs}}; {}\n",
                  Printable(options.command), Printable(source), sheet.caption);
  std::string alignment;
  std::string header;
  for (const SheetColumn& column : sheet.columns) {
    alignment += column.align_right ? 'r' : 'l';
    header += fmt::format(
        "{}{}{}", header.empty() ? "" : " & ", Escape(column.header),
        column.unit.empty() ? "" : " (" + Escape(column.unit) + ")");
  }
  text +=
      fmt::format("\\begin{{tabular}}{{{}}}\n\\toprule\n{} \\\\\n\\midrule\n",
                  alignment, header);
  for (const auto& row : sheet.rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      if (c > 0) line += " & ";
      const std::string cell = Escape(row[c].text);
      line += row[c].bold ? "\\textbf{" + cell + "}" : cell;
    }
    text += line + " \\\\\n";
  }
  text += "\\bottomrule\n\\end{tabular}\n";
  for (const std::string& note : sheet.notes) text += "% " + note + "\n";
  return text;
}

}  // namespace dfsweep::coordinator
