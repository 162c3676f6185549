#ifndef DFSWEEP_CLI_FACTS_H_
#define DFSWEEP_CLI_FACTS_H_

#include <string>
#include <utility>
#include <vector>

namespace dfsweep::cli {

// A label and what is to be said about it. An empty text is left out.
using Facts = std::vector<std::pair<std::string, std::string>>;

// "label     text", broken at `width`, the text in a column of its own.
std::string RenderFacts(const Facts& facts, int width);

// To standard output.
void PrintFacts(const Facts& facts);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_FACTS_H_
