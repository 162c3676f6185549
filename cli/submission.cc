#include "cli/submission.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/files.h"
#include "cli/dataset_reference.h"
#include "cli/exit_status.h"
#include "cli/output.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

// A grid of a million trials takes the coordinator a while.
constexpr absl::Duration kSubmitTimeout = absl::Minutes(5);

v1::CreateSweepRequest RequestOf(const Submission& submission) {
  v1::CreateSweepRequest request;
  request.set_file_text(submission.sweep.text);
  request.set_file_name(submission.sweep.file_name);
  for (const std::string& text : submission.sweep.overrides) {
    request.add_overrides(text);
  }
  request.set_dataset_digest(submission.dataset_digest);
  return request;
}

absl::Status ResolveFile(const fs::path& path,
                         const std::vector<v1::Dataset>& registered,
                         Submission& submission) {
  DFSWEEP_ASSIGN_OR_RETURN(submission.dataset, ReadDataset(path, {}));
  const std::string& digest = submission.dataset->digest;
  submission.dataset_digest = digest;
  submission.dataset_name = NameForFile(path, digest, registered);
  bool is_registered = std::any_of(
      registered.begin(), registered.end(), [&](const v1::Dataset& known) {
        return known.digest() == digest &&
               known.name() == submission.dataset_name;
      });
  if (!is_registered) return absl::OkStatus();
  submission.dataset.reset();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<sweeps::Sweep> ReadSweepFile(
    const std::string& path, const std::vector<std::string>& overrides) {
  absl::StatusOr<std::string> text = ReadFile(path, sweeps::kMaxFileBytes);
  if (absl::IsNotFound(text.status())) {
    return MakeError(absl::StatusCode::kNotFound, "there is no such sweep file",
                     path, "check the path; ready files are in sweeps/");
  }
  if (!text.ok()) return AsLocal(text.status());
  return sweeps::ParseSweep(*text, path, overrides);
}

absl::StatusOr<Submission> Resolve(Client& client, sweeps::Sweep sweep) {
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<v1::Dataset> registered,
                           ListDatasets(client));
  Submission submission{.sweep = std::move(sweep)};
  const std::string& reference = submission.sweep.dataset;
  const fs::path file = submission.sweep.file_name;
  std::string where = fmt::format("`dataset` of {}", file.string());
  // A registered name is meant even where a file of that name lies around.
  if (absl::StatusOr<v1::Dataset> named =
          FindDataset(reference, registered, where);
      named.ok()) {
    submission.dataset_digest = named->digest();
    return submission;
  }
  DFSWEEP_ASSIGN_OR_RETURN(fs::path path,
                           DatasetPath(reference, file.parent_path(), where));
  if (!path.empty()) {
    DFSWEEP_RETURN_IF_ERROR(ResolveFile(path, registered, submission));
    return submission;
  }
  return FindDataset(reference, registered, where).status();
}

absl::StatusOr<v1::SweepPlan> Plan(Client& client,
                                   const Submission& submission) {
  v1::CreateSweepRequest request = RequestOf(submission);
  request.set_validate_only(true);
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::CreateSweepResponse response,
      client.Mutate(&Client::Stub::CreateSweep, request, kSubmitTimeout));
  return response.plan();
}

absl::StatusOr<v1::CreateSweepResponse> Submit(Client& client,
                                               const Submission& submission) {
  if (submission.dataset.has_value()) {
    DFSWEEP_RETURN_IF_ERROR(
        UploadDataset(client, *submission.dataset, submission.dataset_name, "")
            .status());
    for (const std::string& warning : submission.dataset->report.warnings) {
      Say(fmt::format("warning: dataset {}: {}", submission.dataset_name,
                      warning));
    }
  }
  return client.Mutate(&Client::Stub::CreateSweep, RequestOf(submission),
                       kSubmitTimeout);
}

}  // namespace dfsweep::cli
