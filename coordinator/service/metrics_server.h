#ifndef DFSWEEP_COORDINATOR_SERVICE_METRICS_SERVER_H_
#define DFSWEEP_COORDINATOR_SERVICE_METRICS_SERVER_H_

#include <functional>
#include <memory>

#include "base/address.h"
#include "base/status.h"
#include "coordinator/service/metrics_page.h"

namespace dfsweep::coordinator {

// Serves http://HOST:PORT/metrics, in plain text and to anybody who can reach
// it, hence on loopback only.
class MetricsServer {
 public:
  // Called by a thread of the server for each page; may fail.
  using Source = std::function<absl::StatusOr<Figures>()>;

  // Port 0 takes a free one. kInvalidArgument unless it is loopback;
  // kUnavailable if the port is taken.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(
      const Address& listen, Source source);
  // Stops, after the pages that are being made.
  virtual ~MetricsServer() = default;

  virtual int port() const = 0;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_METRICS_SERVER_H_
