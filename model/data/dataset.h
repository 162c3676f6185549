// The native form of a dataset, read in place.
//
// A native file is an `.npz` whose members are all STORED (not deflated), in
// this order: X.npy int8 [n, length] with cells in {-1, 0, +1} (+1 = client to
// server, 0 = padding at the end), y.npy int64 [n] labels ≥ 0, and optionally
// group.npy int64 [n] (crawl run or site page; rows of one group may be kept on
// one side of a split). Timestamps inside are fixed, so equal data is equal
// bytes, and the SHA-256 of the file names the dataset. numpy.load opens it.
#ifndef DFSWEEP_MODEL_DATA_DATASET_H_
#define DFSWEEP_MODEL_DATA_DATASET_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dfsweep::data {

// The arrays of a dataset in memory, as an importer makes them.
struct Traces {
  int64_t count = 0;            // n
  int64_t length = 0;           // cells a row
  std::vector<int8_t> cells;    // [n, length], row after row
  std::vector<int64_t> labels;  // [n]
  std::vector<int64_t> groups;  // [n], or empty
};

// A native file mapped into memory. Immutable, so safe to share between
// threads; spans are valid as long as the Dataset.
class Dataset {
 public:
  // Throws config::Error if the file is missing, damaged or not native.
  explicit Dataset(const std::filesystem::path& path);
  ~Dataset();
  Dataset(Dataset&&) noexcept;

  int64_t size() const;    // n
  int64_t length() const;  // cells a row
  std::span<const int8_t> row(int64_t index) const;
  std::span<const int8_t> cells() const;        // [n, length]
  std::span<const int64_t> labels() const;      // [n]
  std::span<const int64_t> groups() const;      // [n], or empty
  const std::vector<int64_t>& classes() const;  // distinct labels, ascending

 private:
  struct Mapping;
  std::unique_ptr<Mapping> mapping_;
};

// The bytes of the native file of `traces`. Deterministic.
std::string NativeBytes(const Traces& traces);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_DATASET_H_
