#include "coordinator/service/metrics_page.h"

#include <fmt/format.h>

#include "base/build_id.h"
#include "base/version.h"

namespace dfsweep::coordinator {
namespace {

std::string Head(const char* name, const char* type, const char* help) {
  return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

template <typename Number>
std::string Line(const char* name, const char* type, const char* help,
                 Number value) {
  return Head(name, type, help) + fmt::format("{} {}\n", name, value);
}

std::string ByState(const char* name, const char* help,
                    const std::map<std::string, int64_t>& counts) {
  std::string text = Head(name, "gauge", help);
  for (const auto& [state, count] : counts) {
    text += fmt::format("{}{{state=\"{}\"}} {}\n", name, state, count);
  }
  return text;
}

}  // namespace

std::string MetricsPage(const Figures& figures) {
  return Head("dfsweep_build_info", "gauge", "Always 1.") +
         fmt::format("dfsweep_build_info{{version=\"{}\",build=\"{}\"}} 1\n",
                     kVersion, BuildId()) +
         Line("dfsweep_uptime_seconds", "gauge",
              "Seconds since the coordinator started.",
              figures.uptime_seconds) +
         ByState("dfsweep_trials", "Trials in the store.", figures.trials) +
         Line("dfsweep_trials_ended_total", "counter",
              "Trials that ended since the coordinator started.",
              figures.trials_ended) +
         ByState("dfsweep_workers", "Workers that have registered.",
                 figures.workers) +
         Line("dfsweep_slots", "gauge",
              "Trials that the workers that are online can train at a time.",
              figures.slots) +
         Line("dfsweep_store_bytes", "gauge",
              "Size of the database, its log included.", figures.store_bytes) +
         Line("process_resident_memory_bytes", "gauge",
              "Memory of the coordinator.", figures.resident_bytes);
}

}  // namespace dfsweep::coordinator
