// When a borrowed machine is left to its owner.
#ifndef DFSWEEP_WORKER_MANNERS_H_
#define DFSWEEP_WORKER_MANNERS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "base/power.h"
#include "worker/quiet_hours.h"

namespace dfsweep::worker {

struct MannersOptions {
  // Trains on battery while more than so many percent are left; empty: never.
  std::optional<int> battery_floor_percent;
  // Pauses while a GPU is this hot; 0: never.
  int pause_above_celsius = 90;
  // Pauses while other programs use this much memory of a GPU; 0: never.
  int64_t yield_bytes = int64_t{1} << 30;
  QuietHours quiet_hours;
};

// A GPU that the worker trains on, as it was found.
struct GpuUse {
  std::string device;  // "cuda:0"
  std::optional<int> temperature_celsius;
  int64_t foreign_bytes = 0;  // memory that other programs use
};

struct Surroundings {
  Power power;
  absl::CivilMinute local_time;
  std::vector<GpuUse> gpus;
};

// Not thread-safe.
class Manners {
 public:
  // What was seen counts when it has been seen for so long, and no more when it
  // has not been seen for so long: neither a glance nor a short break moves a
  // trial.
  static constexpr absl::Duration kBeginsAfter = absl::Seconds(10);
  static constexpr absl::Duration kEndsAfter = absl::Seconds(60);
  // A GPU that was too hot has to become this much cooler.
  static constexpr int kCoolerByCelsius = 10;

  explicit Manners(MannersOptions options) : options_(std::move(options)) {}

  // What of power and time speaks against training. Needs no GPU to be asked,
  // which would wake one that sleeps.
  std::vector<std::string> AgainstTheHour(const Surroundings& seen) const;

  // Why to pause, as phrases without changing numbers ("on battery"), in a
  // fixed order; empty: train. `now` is on the scale of Clock::Elapsed. In the
  // first call everything counts at once.
  std::vector<std::string> Judge(const Surroundings& seen, absl::Duration now);

 private:
  struct Sight {
    absl::Duration first;
    absl::Duration last;
    bool counts = false;
  };

  std::vector<std::string> AgainstTheUse(const GpuUse& gpu) const;
  void Note(const std::string& reason, absl::Duration now);
  void Forget(absl::Duration now);

  const MannersOptions options_;
  std::map<std::string, Sight> sights_;  // by reason
  bool has_judged_ = false;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_MANNERS_H_
