#ifndef DFSWEEP_BASE_CLOCK_H_
#define DFSWEEP_BASE_CLOCK_H_

#include <atomic>

#include "absl/time/time.h"

namespace dfsweep {

// The two kinds of time. Leases and timeouts use only Elapsed(); wall time is
// for people, and may jump. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Time since an arbitrary start; never goes back; counts suspended time
  // (CLOCK_BOOTTIME), so that a laptop that slept sees its lease run out.
  virtual absl::Duration Elapsed() const = 0;

  virtual absl::Time WallTime() const = 0;

  // The machine's clock. Never destroyed.
  static Clock& Real();
};

// Stands still until told otherwise.
class FakeClock : public Clock {
 public:
  absl::Duration Elapsed() const override {
    return absl::Nanoseconds(elapsed_ns_.load());
  }
  absl::Time WallTime() const override {
    return absl::FromUnixSeconds(1'700'000'000) + Elapsed();
  }
  void Advance(absl::Duration duration) {
    elapsed_ns_ += absl::ToInt64Nanoseconds(duration);
  }

 private:
  std::atomic<int64_t> elapsed_ns_{0};
};

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_CLOCK_H_
