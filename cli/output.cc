#include "cli/output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/display_text.h"
#include "base/files.h"
#include "cli/exit_status.h"
#include "cli/terminal.h"

namespace dfsweep::cli {
namespace {

// errno of the first write to standard output that failed.
int first_write_error = 0;

std::string CodeName(absl::StatusCode code) {
  return absl::StatusCodeToString(code);
}

}  // namespace

void Print(std::string_view text) {
  if (first_write_error != 0) return;
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    first_write_error = errno != 0 ? errno : EIO;
  }
}

void PrintJson(const Json& json, bool compact) {
  Print(
      json.dump(compact ? -1 : 2, ' ', false, Json::error_handler_t::replace) +
      "\n");
}

void PrintTable(const TextTable& table, bool color) {
  int width = WidthOf(stdout);
  RenderedTable rendered = Render(table, width, color);
  Print(rendered.text);
  if (rendered.hidden.empty()) return;
  Say(fmt::format("({} columns wide; hidden: {})", width,
                  fmt::join(rendered.hidden, ", ")));
}

void FitColumn(TextTable& table, size_t column, int width, int least) {
  int own = DisplayWidth(table.columns[column].header);
  for (const auto& row : table.rows) {
    own = std::max(own, DisplayWidth(row[column].text));
  }
  int room = std::max(width - (NaturalWidth(table) - own), least);
  for (auto& row : table.rows) {
    row[column].text = CutToWidth(row[column].text, room);
  }
}

void Say(std::string_view text) {
  std::fflush(stdout);
  std::string lines = WrapToWidth(text, WidthOf(stderr));
  std::fputs(lines.c_str(), stderr);
}

void SayError(const absl::Status& status, bool json) {
  std::fflush(stdout);
  // The parts came over the wire or quote a file.
  std::string text = Printable(FormatForPerson(status), /*keep_newlines=*/true);
  std::fputs(text.c_str(), stderr);
  if (json) PrintJson(Json{{"error", ErrorJson(status)}});
}

Json ErrorJson(const absl::Status& status) {
  ErrorParts parts = PartsOf(MessageOf(status));
  return {{"code", CodeName(status.code())},
          {"message", parts.what},
          {"where", parts.where},
          {"fix", parts.remedy}};
}

absl::Status WriteOutput(const std::filesystem::path& path,
                         std::string_view text) {
  // A pipe or /dev/stdout can't be replaced, only written.
  std::error_code error;
  if (std::filesystem::exists(path, error) &&
      !std::filesystem::is_regular_file(path, error)) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(),
                                                  file) == text.size();
    if (file != nullptr) written = std::fclose(file) == 0 && written;
    if (written) return absl::OkStatus();
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     fmt::format("writing failed: {}", std::strerror(errno)),
                     path.string(), "name a file that can be written");
  }
  return AsLocal(WriteFileDurably(path, text));
}

absl::Status FinishOutput(bool* reader_left) {
  if (std::fflush(stdout) != 0 && first_write_error == 0) {
    first_write_error = errno;
  }
  *reader_left = first_write_error == EPIPE;
  if (first_write_error == 0 || *reader_left) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   fmt::format("writing the output failed: {}",
                               std::strerror(first_write_error)),
                   "standard output",
                   "free space where it goes, then run it again");
}

}  // namespace dfsweep::cli
