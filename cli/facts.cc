#include "cli/facts.h"

#include <algorithm>
#include <sstream>

#include "base/display_text.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace dfsweep::cli {
namespace {

constexpr int kLabelWidth = 11;
constexpr int kLeastTextWidth = 10;

}  // namespace

std::string RenderFacts(const Facts& facts, int width) {
  std::string text;
  for (const auto& [label, value] : facts) {
    if (value.empty()) continue;
    std::string head = PadRight(label, kLabelWidth);
    std::istringstream lines(
        WrapToWidth(value, std::max(width - kLabelWidth, kLeastTextWidth)));
    for (std::string line; std::getline(lines, line);) {
      text += head + line + "\n";
      head = std::string(kLabelWidth, ' ');
    }
  }
  return text;
}

void PrintFacts(const Facts& facts) {
  Print(RenderFacts(facts, WidthOf(stdout)));
}

}  // namespace dfsweep::cli
