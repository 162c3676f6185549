#include "cli/facts.h"

#include <algorithm>
#include <sstream>

#include "base/display_text.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace dfsweep::cli {
namespace {

constexpr int kLeastTextWidth = 10;

// Room for every label, but never more than half of the line.
int LabelWidth(const Facts& facts, int width, int least) {
  int widest = least;
  for (const auto& [label, value] : facts) {
    if (!value.empty()) widest = std::max(widest, DisplayWidth(label) + 2);
  }
  return std::min(widest, std::max(width / 2, least));
}

}  // namespace

std::string RenderFacts(const Facts& facts, int width, int label_width) {
  std::string text;
  label_width = LabelWidth(facts, width, label_width);
  for (const auto& [label, value] : facts) {
    if (value.empty()) continue;
    std::string head =
        PadRight(CutToWidth(label, label_width - 1), label_width);
    std::istringstream lines(
        WrapToWidth(value, std::max(width - label_width, kLeastTextWidth)));
    for (std::string line; std::getline(lines, line);) {
      line.erase(line.find_last_not_of(' ') + 1);
      text += head + line + "\n";
      head = std::string(label_width, ' ');
    }
  }
  return text;
}

void PrintFacts(const Facts& facts) {
  Print(RenderFacts(facts, WidthOf(stdout)));
}

}  // namespace dfsweep::cli
