// What the workers last said of their machines. Kept in memory only: it is
// void after a restart, and the next heartbeats tell it again.
#ifndef DFSWEEP_COORDINATOR_ENGINE_FLEET_H_
#define DFSWEEP_COORDINATOR_ENGINE_FLEET_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dfsweep::coordinator {

// A GPU as its worker sees it; what it can't measure is empty.
struct DeviceStatus {
  std::string device;  // "cuda:0"
  std::string name;
  std::string uuid;
  std::string driver_version;
  std::optional<int> temperature_celsius;
  std::optional<int> utilization_percent;
  std::optional<int64_t> memory_used_bytes;
  std::optional<int64_t> memory_total_bytes;
  std::optional<double> power_watts;
  std::vector<std::string> throttle_reasons;
};

struct MachineStatus {
  std::vector<std::string> pause_reasons;
  std::vector<std::string> drain_reasons;
  std::optional<bool> on_battery;
  std::optional<int> battery_percent;
  std::vector<DeviceStatus> devices;
};

// By worker id. Belongs to the engine's thread.
using Fleet = std::map<std::string, MachineStatus>;

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_FLEET_H_
