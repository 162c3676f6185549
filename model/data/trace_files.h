// The files of a folder, a .zip or a .tar(.gz), one after the other and never
// extracted: a name is only read, so no path in an archive can lead anywhere.
// Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_TRACE_FILES_H_
#define DFSWEEP_MODEL_DATA_TRACE_FILES_H_

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace dfsweep::data {

struct FileVisitor {
  // Is asked for every entry but folders, by its path inside the source.
  std::function<bool(const std::string& path)> wants;
  // Gets the contents of what was wanted. `where` names it in errors.
  std::function<void(const std::string& path, const std::string& where,
                     std::string_view text)>
      take;
};

// Whether the file is an archive by its name: .zip, .tar, .tar.gz, .tgz.
bool IsArchive(const std::filesystem::path& path);

// In the folder's sorted order (its subfolders are entries that are no files),
// or the archive's. Throws config::Error if something can't be read, is damaged
// or is beyond the limits.
void ForEachFile(const std::filesystem::path& source,
                 const FileVisitor& visitor);

// The name without its folders.
std::string BaseName(const std::string& path);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_TRACE_FILES_H_
