#include "cli/dataset_reference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/nearest.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 128;
constexpr size_t kShownDigits = 8;
constexpr char kImport[] = "dfsweep data import PATH --name NAME";

constexpr char kNameCharacters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

bool IsWrittenAsPath(const std::string& reference) {
  return reference.find('/') != std::string::npos ||
         reference.ends_with(".npz");
}

const v1::Dataset* Named(const std::string& name,
                         const std::vector<v1::Dataset>& registered) {
  auto found = std::find_if(
      registered.begin(), registered.end(),
      [&name](const v1::Dataset& dataset) { return dataset.name() == name; });
  return found == registered.end() ? nullptr : &*found;
}

}  // namespace

absl::StatusOr<fs::path> DatasetPath(const std::string& reference,
                                     const fs::path& sweep_folder,
                                     const std::string& where) {
  std::error_code error;
  for (const fs::path& path :
       {fs::path(reference), sweep_folder / fs::path(reference)}) {
    if (fs::exists(path, error)) return path;
  }
  if (!IsWrittenAsPath(reference)) return fs::path();
  fs::path here = fs::current_path(error);
  fs::path there = (here / sweep_folder).lexically_normal();
  return MakeError(
      absl::StatusCode::kNotFound,
      fmt::format("there is no dataset file '{}'", reference), where,
      fs::equivalent(here, there, error)
          ? fmt::format("correct the path; it starts at {}", here.string())
          : fmt::format("correct the path; it may start at {} or {}",
                        here.string(), there.string()));
}

absl::StatusOr<v1::Dataset> FindDataset(
    const std::string& reference, const std::vector<v1::Dataset>& registered,
    const std::string& where) {
  size_t at = reference.find('@');
  std::string name = reference.substr(0, at);
  std::string digest = at == std::string::npos ? "" : reference.substr(at + 1);
  const v1::Dataset* dataset = Named(name, registered);
  if (dataset != nullptr && dataset->digest().starts_with(digest)) {
    return *dataset;
  }
  if (dataset != nullptr) {
    return MakeError(
        absl::StatusCode::kNotFound,
        fmt::format("dataset '{}' is {}… here, not {}", name,
                    dataset->digest().substr(0, kShownDigits), digest),
        where, fmt::format("import that data again: {}", kImport));
  }
  std::vector<std::string> names;
  for (const v1::Dataset& known : registered) names.push_back(known.name());
  std::string list =
      names.empty() ? "none is registered yet"
                    : fmt::format("registered: {}", fmt::join(names, ", "));
  return MakeError(
      absl::StatusCode::kNotFound,
      fmt::format("there is no dataset '{}'", name), where,
      DidYouMean(name, names,
                 fmt::format("import it: {} ({})", kImport, list)));
}

std::string NameForFile(const fs::path& path, const std::string& digest,
                        const std::vector<v1::Dataset>& registered) {
  // "data/" has its name one step up.
  fs::path last = path.filename().empty() ? path.parent_path() : path;
  std::string name = last.stem().string().substr(0, kLongestName - 16);
  for (char& c : name) {
    if (std::string_view(kNameCharacters).find(c) == std::string::npos) c = '-';
  }
  if (name.empty() || name[0] == '.') name = "data" + name;
  const v1::Dataset* same_name = Named(name, registered);
  bool is_taken = same_name != nullptr && same_name->digest() != digest;
  return is_taken ? name + "-" + digest.substr(0, kShownDigits) : name;
}

absl::Status CheckDatasetName(const std::string& name) {
  if (!name.empty() && name.size() <= kLongestName && name[0] != '.' &&
      name.find_first_not_of(kNameCharacters) == std::string::npos) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument,
                   fmt::format("'{}' can't be a dataset's name", name),
                   "--name",
                   "use at most 128 characters of A-Z a-z 0-9 . _ -, the first "
                   "no dot");
}

}  // namespace dfsweep::cli
