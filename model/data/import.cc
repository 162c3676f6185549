#include "model/data/import.h"

#include <algorithm>
#include <new>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/source.h"
#include "model/data/trace_files.h"

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

// Keeps the rows `kept` (ascending) of `values`, which has `width` for each.
template <typename T>
void KeepRows(const std::vector<int64_t>& kept, int64_t width,
              std::vector<T>* values) {
  if (values->empty()) return;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] == static_cast<int64_t>(i)) continue;
    std::copy_n(values->begin() + kept[i] * width, width,
                values->begin() + i * width);
  }
  values->resize(kept.size() * width);
}

// Removes traces without a cell. Returns how many.
int64_t DropEmpty(Traces* traces) {
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < traces->count; ++i) {
    std::span<int8_t> row = Row(traces, i);
    if (std::any_of(row.begin(), row.end(), [](int8_t c) { return c != 0; })) {
      kept.push_back(i);
    }
  }
  const int64_t dropped = traces->count - static_cast<int64_t>(kept.size());
  if (dropped == 0) return 0;
  traces->count -= dropped;
  KeepRows(kept, traces->length, &traces->cells);
  KeepRows(kept, traces->length, &traces->times);
  KeepRows(kept, 1, &traces->labels);
  KeepRows(kept, 1, &traces->groups);
  KeepRows(kept, 1, &traces->split);
  return dropped;
}

// Times stand at cells alone, and are left out if all are 0.
void SettleTimes(Source* source, const std::string& where) {
  constexpr float kLatest = 1e9;  // 30 years: a clock, or another unit
  Traces& traces = source->traces;
  float latest = 0;
  for (size_t i = 0; i < traces.times.size(); ++i) {
    if (traces.cells[i] == 0) traces.times[i] = 0;
    latest = std::max(latest, traces.times[i]);
  }
  if (latest > kLatest) {
    throw config::Error(
        "a cell is " + std::to_string(latest) + " seconds after the first",
        where, "save times in seconds from the trace's first cell");
  }
  if (latest == 0) traces.times = {};
}

void CheckUnmonitored(const Source& source, const std::string& where) {
  const Traces& traces = source.traces;
  if (!traces.unmonitored) return;
  const int64_t label = *traces.unmonitored;
  if (std::find(traces.labels.begin(), traces.labels.end(), label) !=
      traces.labels.end()) {
    return;
  }
  throw config::Error("no trace has the label " + std::to_string(label) +
                          " of unmonitored traces",
                      where, "give the label that the unmonitored traces have");
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
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::is_directory(status) && !fs::is_regular_file(status)) {
    throw config::Error("there is no such file or folder", path.string(),
                        "check the path");
  }
  const bool text = options.format == Format::kText;
  if (!text && IsPickleSet(path)) return ReadPickles(path, options);
  if (!text && IsIdxSet(path)) return ReadIdx(path, options);
  const bool traces =
      fs::is_directory(status) ||
      (IsArchive(path) && !(path.extension() == ".zip" && IsNpz(path)));
  return traces ? ReadText(path, options) : ReadNpz(path, options);
}

// Reads a source and makes its traces clean.
Source ReadClean(const std::filesystem::path& path,
                 const ImportOptions& options, Report* report) {
  const std::string where = path.string();
  Source source = Read(path, options);
  if (source.traces.kind == Kind::kImages) return source;
  SettleZeros(&source);
  CheckBothDirections(source.traces, where);
  SettlePadding(&source, options, where, report);
  CheckInteriorZeros(source.traces, where);
  SettleTimes(&source, where);
  report->empty_dropped += DropEmpty(&source.traces);
  CheckBothDirections(source.traces, where);
  return source;
}

}  // namespace

Format ParseFormat(const std::string& name) {
  if (name == "auto") return Format::kAuto;
  if (name == "directions") return Format::kDirections;
  if (name == "lengths") return Format::kLengths;
  if (name == "wflib") return Format::kTimed;
  if (name == "text") return Format::kText;
  if (name == "images") return Format::kImages;
  throw config::Error("there is no format '" + name + "'", "",
                      "use auto, directions, lengths, wflib, text or images");
}

void WarnOfRebased(const CellRows& rows, Source* source) {
  if (rows.rebased() == 0) return;
  source->warnings.push_back(
      "the times of " + std::to_string(rows.rebased()) +
      " traces were counted from their first cell, since they began before 0 "
      "or were a clock; check that the recordings begin with that cell");
}

ImportResult Import(const std::filesystem::path& path,
                    const ImportOptions& options) try {
  const std::string where = path.string();
  ImportResult result;
  Source source = ReadClean(path, options, &result.report);
  if (options.unmonitored) source.traces.unmonitored = options.unmonitored;
  if (!options.unmonitored_from.empty()) {
    ImportOptions second = options;
    second.unlabelled = true;
    AddUnmonitored(ReadClean(options.unmonitored_from, second, &result.report),
                   options, options.unmonitored_from.string(), &source);
  }
  CheckUnmonitored(source, where);
  result.report.format = source.description;
  result.report.files = std::move(source.files);
  result.report.class_names = std::move(source.class_names);
  result.report.warnings.insert(result.report.warnings.begin(),
                                source.warnings.begin(), source.warnings.end());
  result.traces = std::move(source.traces);
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
