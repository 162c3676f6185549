// What a reader of one kind of source hands to Import. Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_SOURCE_H_
#define DFSWEEP_MODEL_DATA_SOURCE_H_

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/data/cells.h"
#include "model/data/import.h"
#include "model/data/labels.h"

namespace dfsweep::data {

struct Source {
  Traces traces;                   // labels checked; cells as they are
  Format format = Format::kAuto;   // what was found; never kAuto in the end
  std::string description;         // of the format, for the report
  std::vector<std::string> files;  // that were read, if several
  std::map<int64_t, std::string> class_names;  // label → name, where it has one
  std::vector<std::string> warnings;
};

// Adds the traces of `more` as unmonitored ones, behind the others. Groups and
// sides, where the others have them, are shared out in the same proportions.
void AddUnmonitored(Source more, const ImportOptions& options,
                    const std::string& where, Source* source);

// Adds a warning if rows were counted from their first time.
void WarnOfRebased(const CellRows& rows, Source* source);

// An .npz with X and y, with flat arrays and offsets, or with images.
Source ReadNpz(const std::filesystem::path& path, const ImportOptions& options);

// Text traces in a folder, a .zip or a .tar.gz.
Source ReadText(const std::filesystem::path& path,
                const ImportOptions& options);

// The pickles X_….pkl and y_….pkl of one set; `path` is their folder or one of
// them.
Source ReadPickles(const std::filesystem::path& path,
                   const ImportOptions& options);

// Images as IDX files; `path` is their folder or one of them.
Source ReadIdx(const std::filesystem::path& path, const ImportOptions& options);

// Whether the folder holds, or the file is, what these two read.
bool IsPickleSet(const std::filesystem::path& path);
bool IsIdxSet(const std::filesystem::path& path);

// Whether the .zip holds arrays, not traces.
bool IsNpz(const std::filesystem::path& path);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_SOURCE_H_
