// Rows of cells as a source gives them, and what their numbers mean. Internal
// to model/data.
#ifndef DFSWEEP_MODEL_DATA_CELLS_H_
#define DFSWEEP_MODEL_DATA_CELLS_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/data/import.h"

namespace dfsweep::data {

// In a source's cells only: a zero whose sign bit is set. In direction × time
// it is an incoming cell at time 0.
inline constexpr int8_t kNegativeZero = 2;

// What tells the formats apart.
struct CellStatistics {
  double largest = 0;   // of |value|
  bool whole = true;    // all values are whole numbers
  int64_t falling = 0;  // |value| less than that of the cell before
  int64_t pairs = 0;    // cells that have a cell before them
};

// Collects traces of any length, one after the other: a byte a cell, and four
// more if they have times.
class CellRows {
 public:
  // `where` is what errors name; it may change from row to row. Without
  // `with_times` no times are kept.
  CellRows(std::string where, bool with_times)
      : where_(std::move(where)), with_times_(with_times) {}
  void set_where(std::string where) { where_ = std::move(where); }

  // Memory for so many more, where it is known that they are there.
  void Reserve(int64_t rows, int64_t cells);

  // A row of directions, lengths or direction × time: its signs, and the sizes
  // as times once they are found not to be directions. T is a signed integer or
  // a float type. Throws config::Error for values that are not finite and
  // beyond the limits.
  template <typename T>
  void AddNumbers(std::span<const T> row);

  // A row of directions (-1, 1; 0 is padding) with their times in seconds.
  // Times before 0, and clocks that float32 can't hold to the millisecond, are
  // counted from the row's first. Throws config::Error for times that are not
  // finite.
  void AddTimed(std::span<const int8_t> directions,
                std::span<const double> times);

  int64_t count() const { return static_cast<int64_t>(ends_.size()); }
  const CellStatistics& statistics() const { return statistics_; }
  int64_t rebased() const { return rebased_; }  // rows counted from the first

  // Moves the rows into cells and times, padded with 0 to the longest. `order`:
  // the row that comes first, second, …; empty: as they were added.
  void Finish(const std::vector<int64_t>& order, Traces* traces) &&;

 private:
  void CheckRoom(size_t length);
  void CheckTime(double time, size_t cell) const;
  void TakeTimes(size_t begin, auto time_at);

  std::string where_;
  bool with_times_;
  CellStatistics statistics_;
  std::vector<int8_t> cells_;
  std::vector<float> times_;  // as long as cells_, or empty
  std::vector<int64_t> ends_;
  int64_t rebased_ = 0;
};

// What the numbers are, unless the user has said it. Throws config::Error if
// they are nothing known.
Format FormatOf(const CellStatistics& statistics, const ImportOptions& options,
                const std::string& where);

// "signed packet lengths, of which the sign is taken"
std::string Describe(Format format);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_CELLS_H_
