#include "coordinator/service/tokens.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/digest.h"

namespace dfsweep::coordinator {
namespace {

constexpr char kPrefix[] = "dfs_";
constexpr int kIdBytes = 4;
constexpr int kSecretBytes = 32;

constexpr std::string_view kWorkerService = "/dfsweep.v1.WorkerService/";
constexpr std::string_view kSweepService = "/dfsweep.v1.SweepService/";

struct Parts {
  std::string id;
  std::string secret;
};

std::optional<Parts> Split(std::string_view text) {
  const size_t prefix = std::string_view(kPrefix).size();
  const size_t id_end = prefix + 2 * kIdBytes;
  if (text.size() != id_end + 1 + 2 * kSecretBytes ||
      !text.starts_with(kPrefix) || text[id_end] != '_') {
    return std::nullopt;
  }
  return Parts{std::string(text.substr(prefix, 2 * kIdBytes)),
               std::string(text.substr(id_end + 1))};
}

absl::Status Unknown() {
  return MakeError(absl::StatusCode::kUnauthenticated,
                   "the coordinator does not know this token", "",
                   "ask its owner for a new one: dfsweep token create");
}

// The least of read < submit < admin that may call a method of people. What is
// not named needs all.
int LevelNeeded(std::string_view method) {
  static const std::set<std::string_view> kReads = {
      "GetSweep",     "ListSweeps",    "ListTrials",
      "WatchSweep",   "ExportResults", "ListWorkers",
      "ListDatasets", "GetServerInfo", "StreamTrialLogs"};
  static const std::set<std::string_view> kSubmits = {
      "CreateSweep", "PauseSweep",  "ResumeSweep",
      "CancelSweep", "RetryTrials", "UploadDataset",
      "DrainWorker", "PauseWorker", "ResumeWorker"};
  if (kReads.contains(method)) return 1;
  return kSubmits.contains(method) ? 2 : 3;
}

int LevelOf(const std::string& scope) {
  if (scope == scope::kRead) return 1;
  if (scope == scope::kSubmit) return 2;
  return scope == scope::kAdmin ? 3 : 0;
}

bool IsAllowed(const std::string& scope, std::string_view method) {
  if (method.starts_with(kWorkerService)) {
    method.remove_prefix(kWorkerService.size());
    return scope == (method == "Join" ? scope::kWorker : scope::kJoined);
  }
  if (!method.starts_with(kSweepService)) return false;
  method.remove_prefix(kSweepService.size());
  return LevelOf(scope) >= LevelNeeded(method);
}

}  // namespace

NewToken MakeToken(std::string scope, std::string name, std::string worker_id,
                   absl::Time now, std::optional<absl::Duration> lifetime) {
  const std::string id = RandomHex(kIdBytes), secret = RandomHex(kSecretBytes);
  NewToken token{.row = {.token_id = id,
                         .secret_hash = Sha256Hex(secret),
                         .scope = std::move(scope),
                         .worker_id = std::move(worker_id),
                         .name = std::move(name),
                         .create_time = now},
                 .text = kPrefix + id + "_" + secret};
  if (lifetime) token.row.expire_time = now + *lifetime;
  return token;
}

void TokenTable::Put(const TokenRow& row) {
  absl::MutexLock lock(&mutex_);
  if (row.revoked) {
    rows_.erase(row.token_id);
  } else {
    rows_[row.token_id] = row;
  }
}

std::vector<std::string> TokenTable::OfWorker(
    const std::string& worker_id) const {
  std::vector<std::string> ids;
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, row] : rows_) {
    if (row.scope == scope::kJoined && row.worker_id == worker_id) {
      ids.push_back(id);
    }
  }
  return ids;
}

absl::StatusOr<TokenRow> TokenTable::Find(std::string_view text) const {
  std::optional<Parts> parts = Split(text);
  if (!parts) return Unknown();
  TokenRow row;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = rows_.find(parts->id);
    if (found == rows_.end()) return Unknown();
    row = found->second;
  }
  if (!SecretsAreEqual(Sha256Hex(parts->secret), row.secret_hash)) {
    return Unknown();
  }
  if (row.expire_time && *row.expire_time <= clock_.WallTime()) {
    return MakeError(absl::StatusCode::kUnauthenticated,
                     "this token has expired", "token " + row.token_id,
                     "ask the coordinator's owner for a new one: dfsweep token "
                     "create");
  }
  return row;
}

absl::Status TokenTable::CheckMethod(const TokenRow& token,
                                     std::string_view method) {
  if (IsAllowed(token.scope, method)) return absl::OkStatus();
  const std::string called(method.substr(method.rfind('/') + 1));
  return MakeError(
      absl::StatusCode::kPermissionDenied,
      fmt::format("a token of scope '{}' does not allow {}", token.scope,
                  called),
      "token " + token.token_id,
      "use one that does: read < submit < admin for people, worker for "
      "machines");
}

}  // namespace dfsweep::coordinator
