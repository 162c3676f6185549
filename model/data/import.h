// Reads the datasets people have into the native form, and says what it found.
#ifndef DFSWEEP_MODEL_DATA_IMPORT_H_
#define DFSWEEP_MODEL_DATA_IMPORT_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "model/data/dataset.h"
#include "model/data/report.h"

namespace dfsweep::data {

// What the numbers of a source mean. All but images give the direction: the
// sign.
enum class Format {
  kAuto,        // decided from the numbers
  kDirections,  // -1, 0, 1
  kLengths,     // signed packet lengths
  kTimed,       // direction × time in seconds, as in WFlib
  kText,        // text traces
  kImages,      // pixels
};

// "auto", "directions", "lengths", "wflib", "text", "images". Throws
// config::Error.
Format ParseFormat(const std::string& name);

struct ImportOptions {
  Format format = Format::kAuto;
  // A source whose traces are padded with -1 is refused unless one is set:
  bool repair_padding = false;  // the run of -1 at each end becomes 0
  bool keep_padding = false;    // the traces really end so
  // Text traces are cut after this many cells (the report counts them).
  int64_t max_length = 10'000;
  // Keep the times of a source that has them; they take four bytes a cell.
  bool keep_times = true;
  // The label that means "none of the known pages", where the source has one
  // and does not say which. Of traces that a source sets apart without a label:
  // the label they get (otherwise the one after the largest).
  std::optional<int64_t> unmonitored;
  // A second source, all of whose traces are unmonitored; it needs no labels.
  std::filesystem::path unmonitored_from;
  // Give a source without labels the label 0. Import sets it for the second.
  bool unlabelled = false;
};

struct ImportResult {
  Traces traces;
  Report report;
};

// Reads `path`. Nothing of it is ever executed; pickles go through a machine
// that can only build lists, numbers, strings and arrays (pickle.h). Traces
// without a cell are dropped, and counted in the report. Throws config::Error
// if the source can't be read or explained. docs/data.md has the formats:
// - .npz: X [n, length] (or `data`; also an object array of ragged rows) and y
//   [n] (or `labels`), integers or strings, and optionally `group` or `run`
//   [n]; or flat `direction`, `time` and `offsets` with `y`; or, of images,
//   x_train, y_train, x_test, y_test;
// - a folder of X_<part>_<variant>.pkl and y_….pkl, or one of these files;
// - text traces in a folder, a .zip or a .tar.gz;
// - MNIST's IDX files in a folder, or one of them.
//
// Needs 2 to 3 bytes a cell (10 to 18 of floats or with times) and a mapping of
// the file. A hostile file can make it use 500 times its own size, and at most
// kMaxCells (limits.h).
ImportResult Import(const std::filesystem::path& path,
                    const ImportOptions& options = {});

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_IMPORT_H_
