#include "model/data/cells.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "model/config/error.h"
#include "model/data/limits.h"

namespace dfsweep::data {
namespace {

template <typename T>
void TakeIntegers(std::span<const T> in, int8_t* out,
                  CellStatistics* statistics) {
  T least = 0, greatest = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    least = std::min(least, in[i]);
    greatest = std::max(greatest, in[i]);
    out[i] = static_cast<int8_t>((in[i] > 0) - (in[i] < 0));
  }
  statistics->largest =
      std::max({statistics->largest, static_cast<double>(greatest),
                -static_cast<double>(least)});
}

// Returns the index of the first value that is not finite, or -1.
template <typename T>
int64_t TakeReals(std::span<const T> in, int8_t* out,
                  CellStatistics* statistics) {
  T before = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    const T value = in[i];
    if (!std::isfinite(value)) return i;
    if (value == 0) {
      out[i] = std::signbit(value) ? kNegativeZero : 0;
      continue;
    }
    const T size_of = std::abs(value);
    out[i] = value > 0 ? 1 : -1;
    statistics->pairs += before != 0;
    statistics->falling += size_of < before;
    statistics->whole &= size_of == std::floor(size_of);
    statistics->largest =
        std::max(statistics->largest, static_cast<double>(size_of));
    before = size_of;
  }
  return -1;
}

// Later, float32 seconds are coarser than a millisecond.
constexpr double kLatestTime = 10'000;

// Ethernet frames carry at most about 1,500 bytes; values that never reach 50
// are not sizes of packets.
constexpr double kLeastLargestPacket = 50;
constexpr double kLargestPacket = 1600;
constexpr double kMaxFallingTimes = 0.01;

}  // namespace

void CellRows::Reserve(int64_t rows, int64_t cells) {
  ends_.reserve(ends_.size() + rows);
  cells_.reserve(cells_.size() + cells);
}

void CellRows::CheckRoom(size_t length) {
  const int64_t most = times_.empty() ? kMaxCells : kMaxTimedCells;
  const auto cells = static_cast<int64_t>(cells_.size() + length);
  if (length > static_cast<size_t>(kMaxTraceLength) || cells > most ||
      count() >= kMaxTraces) {
    throw config::Error(
        "the traces are too many or too long: more than " +
            std::to_string(most) + " cells, " + std::to_string(kMaxTraces) +
            " traces or " + std::to_string(kMaxTraceLength) + " cells a trace",
        where_, "import fewer traces, or cut them: X[:, :5000]");
  }
}

// Adds the times of the cells from `begin` on; time_at(i) is that of the i-th.
void CellRows::TakeTimes(size_t begin, auto time_at) {
  if (!with_times_) return;
  if (times_.empty()) {
    if (statistics_.whole && statistics_.largest <= 1) return;
    // So far all values were -1, 0 or 1, so their sizes would be their times.
    times_.reserve(cells_.capacity());
    for (size_t i = 0; i < begin; ++i) {
      times_.push_back(std::abs(cells_[i]) == 1 ? 1.0f : 0.0f);
    }
  }
  for (size_t i = 0; i < cells_.size() - begin; ++i) {
    times_.push_back(static_cast<float>(time_at(i)));
  }
}

template <typename T>
void CellRows::AddNumbers(std::span<const T> row) {
  CheckRoom(row.size());
  const size_t begin = cells_.size();
  cells_.resize(begin + row.size());
  int8_t* out = cells_.data() + begin;
  if constexpr (std::is_integral_v<T>) {
    TakeIntegers(row, out, &statistics_);
  } else if (int64_t bad = TakeReals(row, out, &statistics_); bad >= 0) {
    throw config::Error(
        "X[" + std::to_string(count()) + ", " + std::to_string(bad) +
            "] is not finite",
        where_, "remove the trace, or replace what follows its last cell by 0");
  }
  TakeTimes(begin,
            [&](size_t i) { return std::abs(static_cast<double>(row[i])); });
  ends_.push_back(cells_.size());
}

template void CellRows::AddNumbers(std::span<const int8_t>);
template void CellRows::AddNumbers(std::span<const int16_t>);
template void CellRows::AddNumbers(std::span<const int32_t>);
template void CellRows::AddNumbers(std::span<const int64_t>);
template void CellRows::AddNumbers(std::span<const float>);
template void CellRows::AddNumbers(std::span<const double>);

void CellRows::AddTimed(std::span<const int8_t> directions,
                        std::span<const double> times) {
  CheckRoom(directions.size());
  const size_t begin = cells_.size();
  cells_.insert(cells_.end(), directions.begin(), directions.end());
  double least = 0, greatest = 0;
  bool any = false;
  for (size_t i = 0; i < directions.size(); ++i) {
    if (std::abs(directions[i]) != 1) continue;
    CheckTime(times[i], i);
    least = any ? std::min(least, times[i]) : times[i];
    greatest = any ? std::max(greatest, times[i]) : times[i];
    any = true;
  }
  const bool rebase = least < 0 || greatest > kLatestTime;
  const double first = rebase ? least : 0;
  rebased_ += rebase;
  statistics_.largest = std::max(statistics_.largest, greatest - first);
  statistics_.whole = false;  // so that times are taken
  TakeTimes(begin, [&](size_t i) {
    // Not negative, but for a zero: a native file has +0.0 alone.
    return std::abs(directions[i]) == 1 ? std::abs(times[i] - first) : 0;
  });
  ends_.push_back(cells_.size());
}

void CellRows::CheckTime(double time, size_t cell) const {
  constexpr double kMost = 1e12;  // nanoseconds, if anything
  if (std::isfinite(time) && std::abs(time) <= kMost) return;
  throw config::Error("the time of cell " + std::to_string(cell) +
                          " of trace " + std::to_string(count()) +
                          " is no number of seconds",
                      where_, "save times in seconds, from 0 on");
}

void CellRows::Finish(const std::vector<int64_t>& order, Traces* traces) && {
  traces->count = count();
  auto begin_of = [&](int64_t row) { return row == 0 ? 0 : ends_[row - 1]; };
  for (int64_t i = 0; i < count(); ++i) {
    traces->length = std::max(traces->length, ends_[i] - begin_of(i));
  }
  const int64_t n = traces->count, length = traces->length;
  const int64_t most = times_.empty() ? kMaxCells : kMaxTimedCells;
  if (length > 0 && n > most / length) {
    throw config::Error(std::to_string(n) + " traces of up to " +
                            std::to_string(length) + " cells are too many",
                        where_, "import fewer traces, or cut them");
  }
  const bool rectangular =
      order.empty() && static_cast<int64_t>(cells_.size()) == n * length;
  if (rectangular) {
    traces->cells = std::move(cells_);
    traces->times = std::move(times_);
    return;
  }
  auto spread = [&](const auto& ragged, auto* rows) {
    if (ragged.empty()) return;
    rows->resize(n * length);
    for (int64_t i = 0; i < n; ++i) {
      const int64_t row = order.empty() ? i : order[i];
      std::copy(ragged.begin() + begin_of(row), ragged.begin() + ends_[row],
                rows->begin() + i * length);
    }
  };
  spread(cells_, &traces->cells);
  cells_ = {};
  spread(times_, &traces->times);
}

Format FormatOf(const CellStatistics& statistics, const ImportOptions& options,
                const std::string& where) {
  const bool rising = statistics.pairs > 0 &&
                      statistics.falling <= kMaxFallingTimes * statistics.pairs;
  const bool directions = statistics.whole && statistics.largest <= 1;
  if (options.format == Format::kDirections && !directions) {
    throw config::Error("X has numbers other than -1, 0 and 1", where,
                        "import with --format auto");
  }
  if (options.format != Format::kAuto) return options.format;
  if (directions) return Format::kDirections;
  if (statistics.whole && statistics.largest >= kLeastLargestPacket &&
      statistics.largest <= kLargestPacket) {
    return Format::kLengths;
  }
  if (rising) return Format::kTimed;
  throw config::Error(
      "the numbers in X are no directions (-1, 0, 1), no packet lengths (up to "
      "1,600) and no direction × time (never falling); the largest is " +
          std::to_string(statistics.largest),
      where,
      "if you know what they are, say so with --format directions, lengths or "
      "wflib");
}

std::string Describe(Format format) {
  switch (format) {
    case Format::kLengths:
      return "signed packet lengths, of which the sign is taken";
    case Format::kTimed:
      return "direction × time (WFlib)";
    default:
      return "directions";
  }
}

}  // namespace dfsweep::data
