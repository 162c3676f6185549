#include "worker/spool.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <system_error>

#include "base/digest.h"
#include "base/files.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigestSize = 64;
// A request has at most 4 MiB on the wire.
constexpr size_t kMaxFileBytes = 8 << 20;

std::string FileName(const AttemptId& id) {
  return fmt::format("{}-{}", id.trial_id, id.attempt);
}

AttemptId IdOf(const v1::CompleteTrialRequest& outcome) {
  return {outcome.trial_id(), outcome.attempt()};
}

// Trial ids come from the network and become file names here.
bool IsValid(const AttemptId& id) {
  return IsSha256Hex(id.trial_id) && id.attempt > 0;
}

absl::StatusOr<v1::CompleteTrialRequest> Decode(const fs::path& path) {
  DFSWEEP_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, kMaxFileBytes));
  if (bytes.size() < kDigestSize ||
      bytes.substr(0, kDigestSize) != Sha256Hex(bytes.substr(kDigestSize))) {
    return absl::DataLossError("it is damaged: its digest does not fit");
  }
  v1::CompleteTrialRequest outcome;
  if (!outcome.ParseFromString(bytes.substr(kDigestSize)) ||
      outcome.outcome_case() == v1::CompleteTrialRequest::OUTCOME_NOT_SET) {
    return absl::DataLossError("it holds no outcome");
  }
  AttemptId id = IdOf(outcome);
  if (!IsValid(id) || path.filename() != FileName(id)) {
    return absl::DataLossError("its name is not that of its attempt");
  }
  return outcome;
}

}  // namespace

fs::path Spool::PathOf(const AttemptId& id) const {
  return folder_ / FileName(id);
}

absl::Status Spool::Put(const v1::CompleteTrialRequest& outcome) {
  AttemptId id = IdOf(outcome);
  if (!IsValid(id)) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "an outcome has no valid attempt", folder_.string(),
                     "this is a bug: report it");
  }
  std::string bytes = outcome.SerializeAsString();
  return WriteFileDurably(PathOf(id), Sha256Hex(bytes) + bytes, 0600);
}

void Spool::Remove(const AttemptId& id) {
  if (!IsValid(id)) return;
  std::error_code ignored;
  fs::remove(PathOf(id), ignored);
}

void Spool::SetAside(const AttemptId& id, const std::string& why) {
  if (IsValid(id)) SetFileAside(PathOf(id), why);
}

void Spool::SetFileAside(const fs::path& path, const std::string& why) {
  fs::path corrupt = folder_ / "corrupt";
  std::error_code error;
  fs::create_directories(corrupt, error);
  fs::rename(path, corrupt / path.filename(), error);
  spdlog::error("an outcome was set aside as {}: {}",
                (corrupt / path.filename()).string(), why);
}

std::vector<v1::CompleteTrialRequest> Spool::ReadAll() {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (!entry.is_directory()) paths.push_back(entry.path());
  }
  std::vector<v1::CompleteTrialRequest> outcomes;
  for (const fs::path& path : paths) {
    if (path.filename().string().find(".tmp-") != std::string::npos) {
      fs::remove(path, error);
      continue;
    }
    auto outcome = Decode(path);
    if (outcome.ok()) {
      outcomes.push_back(*std::move(outcome));
    } else {
      SetFileAside(path, MessageOf(outcome.status()));
    }
  }
  return outcomes;
}

}  // namespace dfsweep::worker
