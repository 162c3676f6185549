// Everything that the command says: data on standard output, talk on standard
// error. Text from elsewhere goes through Printable() first (ToPlain does).
#ifndef DFSWEEP_CLI_OUTPUT_H_
#define DFSWEEP_CLI_OUTPUT_H_

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/text_table.h"

namespace dfsweep::cli {

using Json = nlohmann::json;

// Data, to standard output.
void Print(std::string_view text);
// With `compact` on one line, for streams of JSON.
void PrintJson(const Json& json, bool compact = false);
// In the terminal's width, a line under it naming the columns that are hidden.
void PrintTable(const TextTable& table, bool color);

// Cuts the text of `column` to what the others leave of `width`, but to no less
// than `least`, so that a long text does not hide the rest of the table.
void FitColumn(TextTable& table, size_t column, int width, int least);

// Talk, to standard error: a line, broken at the terminal's width.
void Say(std::string_view text);
// The three lines of an error; with `json` also {"error": {"code", "message",
// "where", "fix"}} on standard output, so that whoever parses it gets JSON.
void SayError(const absl::Status& status, bool json);

// The same as JSON.
Json ErrorJson(const absl::Status& status);

// Writes `text` to a file, as one step.
absl::Status WriteOutput(const std::filesystem::path& path,
                         std::string_view text);

// What became of standard output: an error if it could not be written; OK with
// `*reader_left` if it is a pipe whose reader went away.
absl::Status FinishOutput(bool* reader_left);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_OUTPUT_H_
