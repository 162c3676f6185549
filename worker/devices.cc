#include "worker/devices.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace dfsweep::worker {
namespace {

constexpr char kCudaPrefix[] = "cuda:";

absl::Status BadDevices(std::string_view text, const std::string& what) {
  return MakeError(absl::StatusCode::kInvalidArgument, what,
                   fmt::format("--devices {}", text),
                   "give cpu, cuda, or indices as in cuda:0,1");
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseDevices(std::string_view text,
                                                      int cuda_count) {
  if (text == "cpu") return std::vector<std::string>{"cpu"};
  if (text != "cuda" && !text.starts_with(kCudaPrefix)) {
    return BadDevices(text, "there is no such kind of device");
  }
  if (cuda_count == 0) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "the trainer sees no CUDA device",
                     fmt::format("--devices {}", text),
                     "run `dfsweep doctor`, or use --devices cpu");
  }
  std::vector<std::string> devices;
  if (text == "cuda") {
    for (int i = 0; i < cuda_count; ++i) {
      devices.push_back(kCudaPrefix + std::to_string(i));
    }
    return devices;
  }
  text.remove_prefix(sizeof(kCudaPrefix) - 1);
  std::vector<std::string> indices = absl::StrSplit(std::string(text), ',');
  for (const std::string& part : indices) {
    int index = -1;
    if (!absl::SimpleAtoi(part, &index) || index < 0) {
      return BadDevices(text, fmt::format("\"{}\" is no index", part));
    }
    if (index >= cuda_count) {
      return BadDevices(text, fmt::format("there is no cuda:{}; this machine "
                                          "has {} CUDA device(s)",
                                          index, cuda_count));
    }
    std::string device = kCudaPrefix + std::to_string(index);
    if (std::count(devices.begin(), devices.end(), device) > 0) {
      return BadDevices(text, fmt::format("{} is named twice", device));
    }
    devices.push_back(device);
  }
  return devices;
}

int CountCudaDevices() {
  if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES")) {
    std::string list = visible;
    return 1 + static_cast<int>(std::count(list.begin(), list.end(), ','));
  }
  int count = 0;
  while (std::filesystem::exists(fmt::format("/dev/nvidia{}", count))) ++count;
  return std::max(count, 1);
}

std::vector<std::string> DealSlots(const std::vector<std::string>& devices,
                                   int slots) {
  if (slots == 0) return devices;
  std::vector<std::string> dealt;
  for (int slot = 0; slot < slots; ++slot) {
    dealt.push_back(devices[slot % devices.size()]);
  }
  return dealt;
}

std::string OperatingSystem() {
  std::string name = "Linux";
  std::ifstream file("/etc/os-release");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("PRETTY_NAME=")) {
      name = line.substr(line.find('=') + 1);
      std::erase(name, '"');
    }
  }
  utsname kernel{};
  if (::uname(&kernel) == 0) {
    name += fmt::format(", {} {}", kernel.sysname, kernel.release);
  }
  return name;
}

}  // namespace dfsweep::worker
