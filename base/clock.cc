#include "base/clock.h"

#include <ctime>

#include "absl/time/clock.h"

namespace dfsweep {
namespace {

class RealClock : public Clock {
 public:
  absl::Duration Elapsed() const override {
    timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return absl::DurationFromTimespec(now);
  }
  absl::Time WallTime() const override { return absl::Now(); }
};

}  // namespace

Clock& Clock::Real() {
  static RealClock clock;
  return clock;
}

}  // namespace dfsweep
