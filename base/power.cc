#include "base/power.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"

namespace dfsweep {
namespace {

namespace fs = std::filesystem;

std::string FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

struct Battery {
  std::string status;  // "Charging", "Discharging", "Full", …
  std::optional<int> percent;
};

// All that stands in power_supply, in the order of the names.
struct Supplies {
  bool has_adapter = false;
  bool is_plugged_in = false;
  std::vector<Battery> batteries;
};

Battery ReadBattery(const fs::path& folder) {
  Battery battery{.status = FirstLine(folder / "status")};
  int percent = 0;
  if (absl::SimpleAtoi(FirstLine(folder / "capacity"), &percent)) {
    battery.percent = std::clamp(percent, 0, 100);
  }
  return battery;
}

Supplies ReadSupplies(const fs::path& sys) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (const auto& entry :
       fs::directory_iterator(sys / "class" / "power_supply", error)) {
    folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  Supplies supplies;
  for (const fs::path& folder : folders) {
    if (FirstLine(folder / "scope") == "Device") continue;
    const std::string type = FirstLine(folder / "type");
    if (type == "Battery") {
      supplies.batteries.push_back(ReadBattery(folder));
    } else if (type == "Mains" || type == "USB") {
      supplies.has_adapter = true;
      if (FirstLine(folder / "online") == "1") supplies.is_plugged_in = true;
    }
  }
  return supplies;
}

bool Any(const std::vector<Battery>& batteries, const std::string& status) {
  return std::any_of(
      batteries.begin(), batteries.end(),
      [&status](const Battery& battery) { return battery.status == status; });
}

bool IsOnBattery(const Supplies& supplies) {
  if (supplies.is_plugged_in) return false;
  if (Any(supplies.batteries, "Discharging")) return true;
  if (Any(supplies.batteries, "Charging") || Any(supplies.batteries, "Full")) {
    return false;
  }
  return supplies.has_adapter;
}

}  // namespace

Power ReadPower(const fs::path& sys) {
  const Supplies supplies = ReadSupplies(sys);
  if (supplies.batteries.empty()) return {};
  return {.on_battery = IsOnBattery(supplies),
          .percent = supplies.batteries.front().percent};
}

}  // namespace dfsweep
