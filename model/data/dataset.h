// The native form of a dataset, read in place.
//
// A native file is an `.npz` whose members are all STORED (not deflated), in
// this order:
//   X.npy            int8 [n, length], cells in {-1, 0, +1} (+1 = client to
//                    server, 0 = padding at the end); of images: uint8 pixels
//   y.npy            int64 [n], labels ≥ 0
// and of these the ones it has:
//   group.npy        int64 [n], crawl run or site page; rows of one group may
//                    be kept on one side of a split
//   split.npy        uint8 [n], the source's own split: 0 train, 1 validation,
//                    2 test
//   time.npy         float32 [n, length], seconds ≥ 0; +0.0 where X is 0. X has
//                    the directions, so that a cell at time 0 keeps its own.
//   unmonitored.npy  int64 [1], the label that means "none of the known pages"
// Timestamps of the zip are fixed, so equal data is equal bytes, and the
// SHA-256 of the file names the dataset. numpy.load opens it.
#ifndef DFSWEEP_MODEL_DATA_DATASET_H_
#define DFSWEEP_MODEL_DATA_DATASET_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dfsweep::data {

enum class Kind {
  kTraces,  // directions of cells, perhaps with times
  kImages,  // pixels, for published tables of continual learning
};

// The source's own split, as split.npy has it.
enum class Side : uint8_t { kTrain = 0, kValidation = 1, kTest = 2 };

// The arrays of a dataset in memory, as an importer makes them.
struct Traces {
  int64_t count = 0;            // n
  int64_t length = 0;           // cells or pixels a row
  std::vector<int8_t> cells;    // [n, length], row after row; not of images
  std::vector<int64_t> labels;  // [n]
  std::vector<int64_t> groups;  // [n], or empty
  Kind kind = Kind::kTraces;
  std::vector<uint8_t> pixels;         // [n, length]; of images only
  std::vector<Side> split;             // [n], or empty
  std::vector<float> times;            // [n, length], or empty
  std::optional<int64_t> unmonitored;  // label
};

// What the labels of a dataset say.
enum class Labels {
  kSites,     // as they are stored
  kTwoClass,  // every monitored site has the smallest of their labels
};

// A native file mapped into memory. Immutable, so safe to share between
// threads; spans are valid as long as the Dataset.
class Dataset {
 public:
  // Throws config::Error if the file is missing, damaged or not native, or has
  // no unmonitored class to tell two classes by.
  explicit Dataset(const std::filesystem::path& path,
                   Labels labels = Labels::kSites);
  ~Dataset();
  Dataset(Dataset&&) noexcept;

  // Whether the file is still what was opened: the mapping shows what becomes
  // of it on the disk. Reads all of it, at a GB or two a second.
  bool IsUnchanged() const;

  Kind kind() const;
  int64_t size() const;    // n
  int64_t length() const;  // cells or pixels a row
  // Of traces; throw config::Error if this has images, so that code that only
  // knows directions never misreads pixels.
  std::span<const int8_t> row(int64_t index) const;
  std::span<const int8_t> cells() const;  // [n, length]
  // Of images; throws config::Error if this has traces.
  std::span<const uint8_t> pixels() const;      // [n, length]
  std::span<const float> times() const;         // [n, length], or empty
  std::span<const int64_t> labels() const;      // [n]
  std::span<const int64_t> groups() const;      // [n], or empty
  std::span<const Side> split() const;          // [n], or empty
  std::optional<int64_t> unmonitored() const;   // label
  const std::vector<int64_t>& classes() const;  // distinct labels, ascending

 private:
  struct Mapping;
  std::unique_ptr<Mapping> mapping_;
};

// The bytes of the native file of `traces`. Deterministic. Throws config::Error
// if they are no dataset, e.g. beyond the limits.
std::string NativeBytes(const Traces& traces);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_DATASET_H_
