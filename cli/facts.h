#ifndef DFSWEEP_CLI_FACTS_H_
#define DFSWEEP_CLI_FACTS_H_

#include <string>
#include <utility>
#include <vector>

namespace dfsweep::cli {

// A label and what is to be said about it. An empty text is left out.
using Facts = std::vector<std::pair<std::string, std::string>>;

inline constexpr int kLabelWidth = 11;

// "label     text", broken at `width`, the text in a column of its own, which
// begins at `label_width` or, for long labels, further right.
std::string RenderFacts(const Facts& facts, int width,
                        int label_width = kLabelWidth);

// To standard output.
void PrintFacts(const Facts& facts);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_FACTS_H_
