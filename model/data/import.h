// Reads the datasets people have into the native form, and says what it found.
#ifndef DFSWEEP_MODEL_DATA_IMPORT_H_
#define DFSWEEP_MODEL_DATA_IMPORT_H_

#include <cstdint>
#include <filesystem>
#include <string>

#include "model/data/dataset.h"
#include "model/data/report.h"

namespace dfsweep::data {

// What the numbers of a source mean. All give the direction: the sign.
enum class Format {
  kAuto,        // decided from the numbers
  kDirections,  // -1, 0, 1
  kLengths,     // signed packet lengths
  kTimed,       // direction × time in seconds, as in WFlib
  kText,        // a folder of Wang-style text traces
};

// "auto", "directions", "lengths", "wflib", "text". Throws config::Error.
Format ParseFormat(const std::string& name);

struct ImportOptions {
  Format format = Format::kAuto;
  // A source whose traces are padded with -1 is refused unless one is set:
  bool repair_padding = false;  // the run of -1 at each end becomes 0
  bool keep_padding = false;    // the traces really end so
  // Text traces are cut after this many cells (the report counts them).
  int64_t max_length = 10'000;
};

struct ImportResult {
  Traces traces;
  Report report;
};

// Reads `path`: an .npz file or a folder of text traces. Nothing of it is ever
// executed or unpickled. Traces without a cell are dropped, and counted in the
// report. Throws config::Error if the source can't be read or explained.
//
// An .npz has X [n, length] (or `data`), y [n] (or `labels`) of integers or
// strings, and optionally `group` or `run` [n]. A folder has files named
// `site-instance` (a number alone: unmonitored), optionally with `.cell`, with
// a line `seconds<TAB>direction or signed size` for each cell.
//
// Needs about 1 byte a cell; a hostile file can make it use 500 times its own
// size, and at most kMaxCells (limits.h).
ImportResult Import(const std::filesystem::path& path,
                    const ImportOptions& options = {});

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_IMPORT_H_
