#include "worker/lease_check.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "model/config/parameters.h"
#include "model/protocol/protocol.h"
#include "sweeps/identity.h"

namespace dfsweep::worker {
namespace {

// A `run` line must fit into the pipe to the trainer (64 KiB): a trainer that
// does not read could block the worker's write otherwise.
constexpr size_t kMaxConfigurationBytes = 60'000;

absl::Status Refuse(const v1::Lease& lease, const std::string& what) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, what,
      fmt::format("trial {:.8}, as leased to this worker", lease.trial_id()),
      "install the same dfsweep version on coordinator and "
      "worker, then retry the trial");
}

}  // namespace

absl::Status CheckLease(const v1::Lease& lease) {
  if (!IsSha256Hex(lease.trial_id()) || lease.attempt() < 1) {
    return Refuse(lease, "the trial id or attempt is malformed");
  }
  if (!IsSha256Hex(lease.dataset().digest())) {
    return Refuse(lease, "the dataset's digest is malformed");
  }
  const std::string& text = lease.configuration_json();
  if (text.size() > kMaxConfigurationBytes) {
    return Refuse(lease, fmt::format("the configuration has {} bytes, more "
                                     "than {}",
                                     text.size(), kMaxConfigurationBytes));
  }
  try {
    nlohmann::json sent = nlohmann::json::parse(text);
    nlohmann::json effective = config::Effective(sent);
    if (sweeps::CanonicalJson(effective) != text) {
      return Refuse(lease,
                    "the configuration is not what this worker makes "
                    "of it");
    }
    if (sweeps::TrialId(effective, lease.dataset().digest(), lease.seed()) !=
        lease.trial_id()) {
      return Refuse(lease, "the trial id is not that of its configuration");
    }
  } catch (const std::exception& error) {
    return Refuse(
        lease, fmt::format("the configuration is not valid: {}", error.what()));
  }
  return absl::OkStatus();
}

std::string RunLine(const v1::Lease& lease,
                    const std::filesystem::path& dataset,
                    const std::string& device, int threads,
                    const nlohmann::json& checkpoints) {
  nlohmann::json trial = {
      {"trial_id", lease.trial_id()},
      {"dataset",
       {{"path", std::filesystem::absolute(dataset).string()},
        {"digest", lease.dataset().digest()},
        {"name", lease.dataset().name()}}},
      {"parameters",
       config::Effective(nlohmann::json::parse(lease.configuration_json()))},
      {"seed", lease.seed()}};
  nlohmann::json line = {{"type", protocol::command::kRun},
                         {"trial", trial},
                         {"attempt", lease.attempt()},
                         {"device", device},
                         {"threads", threads},
                         {"checkpoints", checkpoints}};
  return line.dump();
}

}  // namespace dfsweep::worker
