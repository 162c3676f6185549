#include "model/data/import.h"

#include <algorithm>
#include <new>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/source.h"

namespace dfsweep::data {
namespace {

std::span<int8_t> Row(Traces* traces, int64_t index) {
  return std::span(traces->cells)
      .subspan(index * traces->length, traces->length);
}

// Settles what a zero is. In direction × time a leading zero is a cell at time
// 0, and its sign bit is the direction (-1 × 0.0 is -0.0); any other zero is
// padding, whatever its sign.
void SettleZeros(Source* source) {
  int64_t leading = 0;
  for (int64_t i = 0; i < source->traces.count; ++i) {
    std::span<int8_t> row = Row(&source->traces, i);
    auto first = std::find_if(row.begin(), row.end(), [](int8_t cell) {
      return cell == 1 || cell == -1;
    });
    if (source->format == Format::kTimed && first != row.end()) {
      leading += first - row.begin();
      for (auto cell = row.begin(); cell != first; ++cell) {
        *cell = *cell == kNegativeZero ? -1 : 1;
      }
    }
    std::replace(row.begin(), row.end(), kNegativeZero, int8_t{0});
  }
  if (leading > 0) {
    source->warnings.push_back(
        std::to_string(leading) +
        " cells at time exactly 0 were taken as sent by the client (-0.0: as "
        "received); check the report's first cells against the recording");
  }
}

// A run of incoming cells at a row's end that no page load explains: at least
// 50 cells, and more than twice any other run of the row. In real traces 0 to
// 3 % of the rows end so (13 % if cut to 100 cells), in padded sets 20 to 99 %.
constexpr int64_t kLongRun = 50;
constexpr double kPaddedShare = 0.2;
constexpr double kSuspiciousShare = 0.05;

struct Tail {
  int64_t begin;  // of the run of -1 at the trace's end
  int64_t end;    // of the trace
  bool suspicious;
};

Tail FindTail(std::span<const int8_t> row) {
  Tail tail;
  tail.end = row.size();
  while (tail.end > 0 && row[tail.end - 1] == 0) --tail.end;
  tail.begin = tail.end;
  while (tail.begin > 0 && row[tail.begin - 1] == -1) --tail.begin;
  const int64_t run = tail.end - tail.begin;
  int64_t longest = 0, current = 0;
  for (int8_t cell : row.first(tail.begin)) {
    current = cell == -1 ? current + 1 : 0;
    longest = std::max(longest, current);
  }
  tail.suspicious = run >= kLongRun && run > 2 * longest;
  return tail;
}

// Recognises padding with -1; repairs or refuses it as the options say.
void SettlePadding(Source* source, const ImportOptions& options,
                   const std::string& where, Report* report) {
  Traces& traces = source->traces;
  int64_t suspicious = 0;
  for (int64_t i = 0; i < traces.count; ++i) {
    suspicious += FindTail(Row(&traces, i)).suspicious;
  }
  const std::string share =
      std::to_string(suspicious) + " of " + std::to_string(traces.count) +
      " traces end in a run of -1 that is longer than twice any other";
  if (suspicious < kPaddedShare * traces.count) {
    if (suspicious > kSuspiciousShare * traces.count) {
      report->warnings.push_back(share +
                                 "; if that is padding, import again with "
                                 "--repair-padding");
    }
    return;
  }
  if (options.keep_padding) {
    report->padding = "-1 at the end, kept as asked";
    return;
  }
  if (!options.repair_padding) {
    throw config::Error(
        "the traces are padded with -1, which a model would take for incoming "
        "cells: " +
            share,
        where,
        "import with --repair-padding to replace the run at each end by 0, or "
        "with --keep-padding if they were really recorded so");
  }
  for (int64_t i = 0; i < traces.count; ++i) {
    std::span<int8_t> row = Row(&traces, i);
    Tail tail = FindTail(row);
    std::fill(row.begin() + tail.begin, row.begin() + tail.end, 0);
  }
  report->padding = "-1 at the end, replaced by 0";
  report->warnings.push_back(
      "the run of -1 at the end of every trace was taken as padding, so "
      "incoming cells just before it are lost too; pad the original with 0 to "
      "keep them");
}

// More zeros than this among the cells mean that the source was not understood.
constexpr double kMaxInteriorZeros = 0.01;

void CheckInteriorZeros(const Traces& traces, const std::string& where) {
  int64_t zeros = 0, cells = 0;
  for (int64_t i = 0; i < traces.count; ++i) {
    std::span<const int8_t> row =
        std::span(traces.cells).subspan(i * traces.length, traces.length);
    int64_t end = row.size();
    while (end > 0 && row[end - 1] == 0) --end;
    zeros += std::count(row.begin(), row.begin() + end, 0);
    cells += end;
  }
  if (zeros > kMaxInteriorZeros * cells) {
    throw config::Error(
        std::to_string(zeros) + " of " + std::to_string(cells) +
            " cells are 0 although more cells follow them: the padding is in "
            "front, or times were rounded to 0",
        where,
        "save one row a trace, cells first and zeros only after the last");
  }
}

// Removes traces without a cell. Returns how many.
int64_t DropEmpty(Traces* traces) {
  int64_t kept = 0;
  for (int64_t i = 0; i < traces->count; ++i) {
    std::span<int8_t> row = Row(traces, i);
    if (std::all_of(row.begin(), row.end(), [](int8_t c) { return c == 0; })) {
      continue;
    }
    if (kept != i) {
      std::copy(row.begin(), row.end(), Row(traces, kept).begin());
      traces->labels[kept] = traces->labels[i];
      if (!traces->groups.empty()) traces->groups[kept] = traces->groups[i];
    }
    ++kept;
  }
  const int64_t dropped = traces->count - kept;
  traces->count = kept;
  traces->cells.resize(kept * traces->length);
  traces->labels.resize(kept);
  if (!traces->groups.empty()) traces->groups.resize(kept);
  return dropped;
}

void CheckBothDirections(const Traces& traces, const std::string& where) {
  auto has = [&](int8_t direction) {
    return std::find(traces.cells.begin(), traces.cells.end(), direction) !=
           traces.cells.end();
  };
  if (traces.count == 0 || (!has(1) && !has(-1))) {
    throw config::Error("there is no trace in it, or every trace is empty",
                        where, "check that this is the right file");
  }
  if (!has(1) || !has(-1)) {
    throw config::Error(
        "all cells have the same sign, so it holds no directions", where,
        "save cells from the client as +1 and cells to the "
        "client as -1");
  }
}

Source Read(const std::filesystem::path& path, const ImportOptions& options) {
  const std::string where = path.string();
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    return ReadTextFolder(path, options);
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw config::Error("there is no such file or folder", where,
                        "check the path");
  }
  const std::string extension = path.extension().string();
  if (extension == ".pkl" || extension == ".pickle") {
    throw config::Error(
        "pickles are not read, because they run code when they are loaded",
        where,
        "in Python, load it if you trust it, pad the rows with 0, then "
        "numpy.savez_compressed(file, X=X, y=y)");
  }
  return ReadNpz(path, options);
}

}  // namespace

Format ParseFormat(const std::string& name) {
  if (name == "auto") return Format::kAuto;
  if (name == "directions") return Format::kDirections;
  if (name == "lengths") return Format::kLengths;
  if (name == "wflib") return Format::kTimed;
  if (name == "text") return Format::kText;
  throw config::Error("there is no format '" + name + "'", "",
                      "use auto, directions, lengths, wflib or text");
}

std::vector<int64_t> NumberNames(const std::vector<std::string>& names,
                                 const std::string& last,
                                 std::map<int64_t, std::string>* class_names) {
  std::map<std::string, int64_t> labels;
  for (const std::string& name : names) labels.emplace(name, 0);
  int64_t next = 0;
  for (auto& [name, label] : labels) {
    label = name == last ? static_cast<int64_t>(labels.size()) - 1 : next++;
    class_names->emplace(label, name);
  }
  std::vector<int64_t> result;
  result.reserve(names.size());
  for (const std::string& name : names) result.push_back(labels[name]);
  return result;
}

ImportResult Import(const std::filesystem::path& path,
                    const ImportOptions& options) try {
  const std::string where = path.string();
  Source source = Read(path, options);
  SettleZeros(&source);
  CheckBothDirections(source.traces, where);
  ImportResult result;
  SettlePadding(&source, options, where, &result.report);
  CheckInteriorZeros(source.traces, where);
  result.report.format = source.description;
  result.report.class_names = std::move(source.class_names);
  result.report.warnings.insert(result.report.warnings.begin(),
                                source.warnings.begin(), source.warnings.end());
  result.traces = std::move(source.traces);
  result.report.empty_dropped = DropEmpty(&result.traces);
  CheckBothDirections(result.traces, where);
  Describe(result.traces, &result.report);
  return result;
} catch (const std::bad_alloc&) {
  throw config::Error("not enough memory to import the dataset", path.string(),
                      "close other programs, or import fewer traces");
} catch (const std::filesystem::filesystem_error& error) {
  throw config::Error(error.what(), path.string(),
                      "check the path and its permissions");
}

}  // namespace dfsweep::data
