#ifndef DFSWEEP_WORKER_LEASE_CHECK_H_
#define DFSWEEP_WORKER_LEASE_CHECK_H_

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/status.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::worker {

// What comes over the network is data: a lease is checked again before anything
// is done with it. kInvalidArgument with three parts unless the ids have their
// form, the configuration is, byte for byte, an effective configuration of this
// version, and the trial id is the one that dataset, configuration and seed
// have here.
absl::Status CheckLease(const v1::Lease& lease);

// The trainer's `run` command for a checked lease; `checkpoints` is a field of
// it.
std::string RunLine(const v1::Lease& lease,
                    const std::filesystem::path& dataset,
                    const std::string& device, int threads,
                    const nlohmann::json& checkpoints);

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_LEASE_CHECK_H_
