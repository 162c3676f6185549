#ifndef DFSWEEP_COORDINATOR_SERVICE_METRICS_PAGE_H_
#define DFSWEEP_COORDINATOR_SERVICE_METRICS_PAGE_H_

#include <cstdint>
#include <map>
#include <string>

namespace dfsweep::coordinator {

// What Prometheus is shown. docs/operations.md says what each figure means.
struct Figures {
  std::map<std::string, int64_t> trials;   // by the name of their state
  std::map<std::string, int64_t> workers;  // by the name of their state
  int64_t slots = 0;                       // of workers that are online
  int64_t trials_ended = 0;                // since the start
  double uptime_seconds = 0;
  int64_t store_bytes = 0;
  int64_t resident_bytes = 0;
};

// In Prometheus' text format 0.0.4.
std::string MetricsPage(const Figures& figures);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_METRICS_PAGE_H_
