// What a sweep file means by `dataset:`.
#ifndef DFSWEEP_CLI_DATASET_REFERENCE_H_
#define DFSWEEP_CLI_DATASET_REFERENCE_H_

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"
#include "dfsweep/v1/resources.pb.h"

namespace dfsweep::cli {

// The file or folder that `reference` names, looked for from the working
// directory, then from the sweep file's folder. "" if it is no path but a name:
// a path has a '/', ends in .npz, or exists. kNotFound for a path that leads
// nowhere; `where` is the place of the reference.
absl::StatusOr<std::filesystem::path> DatasetPath(
    const std::string& reference, const std::filesystem::path& sweep_folder,
    const std::string& where);

// Finds `name` or `name@digest` (a digest's first digits do) among the
// registered ones. kNotFound names the nearest.
absl::StatusOr<v1::Dataset> FindDataset(
    const std::string& reference, const std::vector<v1::Dataset>& registered,
    const std::string& where);

// The name to register a file's data under: its stem, unless other data has it;
// then with the first digits of the digest, so that nobody's name moves.
std::string NameForFile(const std::filesystem::path& path,
                        const std::string& digest,
                        const std::vector<v1::Dataset>& registered);

// Whether a dataset may be called so; kInvalidArgument says why not.
absl::Status CheckDatasetName(const std::string& name);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_DATASET_REFERENCE_H_
