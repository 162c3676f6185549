// Whether the machine runs on its battery.
#ifndef DFSWEEP_BASE_POWER_H_
#define DFSWEEP_BASE_POWER_H_

#include <filesystem>
#include <optional>

namespace dfsweep {

// Both empty on a machine without a battery.
struct Power {
  std::optional<bool> on_battery;
  std::optional<int> percent;  // of the first battery, 0 … 100
};

// Reads `sys`/class/power_supply. Batteries of mice and phones don't count. A
// battery whose status says nothing (WSL2 invents "Not charging") is believed
// to feed the machine only if a mains adapter says that it is unplugged.
Power ReadPower(const std::filesystem::path& sys);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_POWER_H_
