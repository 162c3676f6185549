#include "cli/worker_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <string>

#include "base/display_text.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

constexpr size_t kDigestLetters = 8;

// One text a GPU of the worker, those that have something to tell.
std::string PerDevice(
    const v1::Worker& worker,
    const std::function<std::string(const v1::DeviceStatus&)>& text_of) {
  std::vector<std::string> texts;
  for (const v1::DeviceStatus& device : worker.status().devices()) {
    std::string text = text_of(device);
    if (!text.empty()) texts.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string BusyText(const v1::Worker& worker) {
  return fmt::format("{}/{}", worker.trial_ids_size(), worker.slots());
}

std::string MemoryText(const v1::Worker& worker) {
  std::string live = PerDevice(worker, [](const v1::DeviceStatus& device) {
    if (!device.has_memory_used_bytes()) return std::string();
    return BytesText(device.memory_used_bytes()) + " of " +
           BytesText(device.memory_total_bytes());
  });
  if (!live.empty()) return live;
  const int64_t bytes = worker.environment().device_memory_bytes();
  return bytes > 0 ? BytesText(bytes) : "";
}

std::string UseText(const v1::Worker& worker) {
  return PerDevice(worker, [](const v1::DeviceStatus& device) {
    return device.has_utilization_percent()
               ? fmt::format("{} %", device.utilization_percent())
               : "";
  });
}

std::string TemperatureText(const v1::Worker& worker) {
  return PerDevice(worker, [](const v1::DeviceStatus& device) {
    return device.has_temperature_celsius()
               ? fmt::format("{} °C", device.temperature_celsius())
               : "";
  });
}

std::string ThrottleText(const v1::Worker& worker) {
  return PerDevice(worker, [](const v1::DeviceStatus& device) {
    return Printable(
        fmt::format("{}", fmt::join(device.throttle_reasons(), " + ")));
  });
}

std::string BatteryText(const v1::Worker& worker) {
  const v1::MachineStatus& status = worker.status();
  std::string text = status.has_battery_percent()
                         ? fmt::format("{} %", status.battery_percent())
                         : "";
  if (!status.has_on_battery()) return text;
  return text + (text.empty() ? "" : ", ") +
         (status.on_battery() ? "in use" : "plugged in");
}

std::string SpeedText(const v1::Worker& worker) {
  return worker.has_probe()
             ? fmt::format("{:.0f}/s", worker.probe().samples_per_second())
             : "";
}

// The driver's own word is newer than what was found at the start.
std::string DriverText(const v1::Worker& worker) {
  const v1::MachineStatus& status = worker.status();
  const std::string& live = status.devices_size() > 0
                                ? status.devices(0).driver_version()
                                : std::string();
  return Printable(live.empty() ? worker.environment().driver_version() : live);
}

std::string WhyText(const v1::Worker& worker) {
  std::string why = worker.reason();
  // Under strict parity it is the reason already.
  if (why.find(worker.parity_warning()) == std::string::npos) {
    why += (why.empty() ? "" : "; ") + worker.parity_warning();
  }
  return Printable(why);
}

struct Column {
  TextColumn column;
  std::string (*text_of)(const v1::Worker& worker);
};

const Column kColumns[] = {
    {{.header = "worker"},
     [](const v1::Worker& worker) { return Printable(worker.name()); }},
    {{.header = "state"},
     [](const v1::Worker& worker) {
       return v1::Worker::State_Name(worker.state());
     }},
    {{.header = "busy", .align_right = true, .priority = 19}, BusyText},
    {{.header = "device", .priority = 18},
     [](const v1::Worker& worker) {
       return Printable(worker.environment().device_name());
     }},
    {{.header = "memory", .align_right = true, .priority = 12}, MemoryText},
    {{.header = "use", .align_right = true, .priority = 11}, UseText},
    {{.header = "temp", .align_right = true, .priority = 15}, TemperatureText},
    {{.header = "throttled", .priority = 14}, ThrottleText},
    {{.header = "battery", .priority = 13}, BatteryText},
    {{.header = "speed", .align_right = true, .priority = 10}, SpeedText},
    {{.header = "done", .align_right = true, .priority = 17},
     [](const v1::Worker& worker) {
       return std::to_string(worker.completed_trials());
     }},
    {{.header = "failed", .align_right = true, .priority = 16},
     [](const v1::Worker& worker) {
       return std::to_string(worker.failed_attempts());
     }},
    {{.header = "heard", .priority = 9},
     [](const v1::Worker& worker) {
       return worker.has_silence()
                  ? DurationText(FromProto(worker.silence())) + " ago"
                  : "";
     }},
    {{.header = "torch", .priority = 8},
     [](const v1::Worker& worker) {
       return Printable(worker.environment().torch_version());
     }},
    {{.header = "CUDA", .priority = 5},
     [](const v1::Worker& worker) {
       return Printable(worker.environment().cuda_version());
     }},
    {{.header = "cuDNN", .priority = 6},
     [](const v1::Worker& worker) {
       return Printable(worker.environment().cudnn_version());
     }},
    {{.header = "driver", .priority = 4}, DriverText},
    {{.header = "probe", .priority = 7},
     [](const v1::Worker& worker) {
       return Printable(worker.probe().digest().substr(0, kDigestLetters));
     }},
    {{.header = "build", .priority = 3},
     [](const v1::Worker& worker) {
       return Printable(worker.environment().build());
     }},
    {{.header = "why", .priority = 20}, WhyText}};

bool IsBold(const Column& column, const v1::Worker& worker) {
  return column.column.header == "state" &&
         (worker.state() == v1::Worker::QUARANTINED ||
          worker.state() == v1::Worker::PAUSED);
}

bool IsWanted(const Column& column, const std::vector<v1::Worker>& workers) {
  return column.column.header == "why" ||
         std::any_of(workers.begin(), workers.end(),
                     [&column](const v1::Worker& worker) {
                       return !column.text_of(worker).empty();
                     });
}

}  // namespace

TextTable WorkerTable(const std::vector<v1::Worker>& workers) {
  TextTable table;
  table.rows.resize(workers.size());
  for (const Column& column : kColumns) {
    if (!IsWanted(column, workers)) continue;
    table.columns.push_back(column.column);
    for (size_t i = 0; i < workers.size(); ++i) {
      table.rows[i].push_back(
          {column.text_of(workers[i]), IsBold(column, workers[i])});
    }
  }
  return table;
}

}  // namespace dfsweep::cli
