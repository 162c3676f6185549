#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace dfsweep::cli {
namespace {

constexpr int kDefaultHeight = 24;
// Beyond these a number is a mistake, not a terminal.
constexpr int kLeast = 1;
constexpr int kMost = 10'000;

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

int FromEnvironment(const char* name, int otherwise) {
  std::string_view text = Environment(name);
  int number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number && number >= kLeast && number <= kMost ? number : otherwise;
}

winsize SizeOf(std::FILE* stream) {
  winsize size = {};
  ::ioctl(::fileno(stream), TIOCGWINSZ, &size);
  return size;
}

}  // namespace

bool IsTerminal(std::FILE* stream) {
  return ::isatty(::fileno(stream)) == 1 && Environment("TERM") != "dumb";
}

int WidthOf(std::FILE* stream) {
  int columns = SizeOf(stream).ws_col;
  return columns > 0 ? columns : FromEnvironment("COLUMNS", kDefaultWidth);
}

int HeightOf(std::FILE* stream) {
  int lines = SizeOf(stream).ws_row;
  return lines > 0 ? lines : FromEnvironment("LINES", kDefaultHeight);
}

bool UsesColor(const std::string& choice, std::FILE* stream) {
  if (choice != "auto") return choice == "always";
  if (!Environment("NO_COLOR").empty()) return false;
  std::string_view force = Environment("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return IsTerminal(stream);
}

}  // namespace dfsweep::cli
