// What standard output and standard error are connected to.
#ifndef DFSWEEP_CLI_TERMINAL_H_
#define DFSWEEP_CLI_TERMINAL_H_

#include <cstdio>
#include <string>

namespace dfsweep::cli {

inline constexpr int kDefaultWidth = 80;

// Whether `stream` is a terminal that understands escape sequences.
bool IsTerminal(std::FILE* stream);

// Columns of `stream`: of the terminal, else COLUMNS, else 80.
int WidthOf(std::FILE* stream);

// Lines of `stream`'s terminal, else LINES, else 24.
int HeightOf(std::FILE* stream);

// `choice` is auto, always or never. Auto: colour on a terminal unless NO_COLOR
// is set; CLICOLOR_FORCE makes it colour anywhere (https://no-color.org,
// https://bixense.com/clicolors).
bool UsesColor(const std::string& choice, std::FILE* stream);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_TERMINAL_H_
