#ifndef DFSWEEP_WORKER_DEVICES_H_
#define DFSWEEP_WORKER_DEVICES_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace dfsweep::worker {

// --devices: "cpu", "cuda" (all of them) or "cuda:0,1", as a list like
// {"cuda:0", "cuda:1"}. `cuda_count` is how many this machine has. A device
// that is not there is an error.
absl::StatusOr<std::vector<std::string>> ParseDevices(std::string_view text,
                                                      int cuda_count);

// How many CUDA devices a trainer that reports CUDA can use: as many as
// CUDA_VISIBLE_DEVICES lists, else as the driver shows, and at least one (under
// WSL2 the driver shows none).
int CountCudaDevices();

// The device of each slot: `slots` are dealt to the devices in turn; 0 means
// one a device.
std::vector<std::string> DealSlots(const std::vector<std::string>& devices,
                                   int slots);

// The operating system, for the environment of a result: "Debian GNU/Linux 12
// (bookworm), Linux 6.1.0".
std::string OperatingSystem();

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_DEVICES_H_
