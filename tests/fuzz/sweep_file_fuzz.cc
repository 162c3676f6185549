// A sweep file, and behind its first NUL the changes of a command line, one a
// line: a sweep or an error in three parts.
#include <algorithm>
#include <string>
#include <vector>

#include "base/status.h"
#include "sweeps/expand.h"
#include "sweeps/plan.h"
#include "sweeps/sweep_file.h"
#include "tests/fuzz/target.h"

namespace dfsweep::fuzz {
namespace {

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void RequireThreeParts(const absl::Status& status) {
  const std::string message = MessageOf(status);
  const ErrorParts parts = PartsOf(message);
  Require(std::count(message.begin(), message.end(), '\n') == 2 &&
              !parts.what.empty() && !parts.where.empty() &&
              !parts.remedy.empty(),
          "an error has three parts", message);
}

void Run(std::string_view input) {
  const size_t end = std::min(input.find('\0'), input.size());
  const std::string text(input.substr(0, end));
  auto sweep = sweeps::ParseSweep(
      text, "fuzz.yaml", Lines(input.substr(std::min(end + 1, input.size()))));
  if (!sweep.ok()) return RequireThreeParts(sweep.status());
  // Many seeds are many equal steps: nothing new comes of them.
  if (sweep->seeds.size() > 100) sweep->seeds.resize(100);
  sweep->search.trials = std::min(sweep->search.trials, int64_t{8});
  auto expansion = sweeps::Expand(*sweep, std::string(64, 'a'));
  if (!expansion.ok()) return RequireThreeParts(expansion.status());
  sweeps::MakePlan(*sweep, *expansion, [](std::string_view) { return false; });
  Require(sweeps::SweepDigest(*sweep, *expansion) ==
              sweeps::SweepDigest(*sweep, *expansion),
          "a sweep has one digest");
}

}  // namespace
}  // namespace dfsweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dfsweep::fuzz::Run(dfsweep::fuzz::Text(data, size));
  return 0;
}
