#include "worker/manners.h"

#include <fmt/format.h>

namespace dfsweep::worker {

std::vector<std::string> Manners::AgainstTheHour(
    const Surroundings& seen) const {
  std::vector<std::string> reasons;
  if (seen.power.on_battery.value_or(false)) {
    const std::optional<int> floor = options_.battery_floor_percent;
    if (!floor) {
      reasons.push_back("on battery");
    } else if (*floor > 0 && seen.power.percent.value_or(0) <= *floor) {
      reasons.push_back(
          fmt::format("on battery with no more than {} %", *floor));
    }
  }
  const std::string span = options_.quiet_hours.SpanAt(seen.local_time);
  if (!span.empty()) reasons.push_back("quiet hours " + span);
  return reasons;
}

std::vector<std::string> Manners::AgainstTheUse(const GpuUse& gpu) const {
  std::vector<std::string> reasons;
  if (options_.pause_above_celsius > 0) {
    const std::string hot = fmt::format("{} is hotter than {} °C", gpu.device,
                                        options_.pause_above_celsius);
    const int limit = options_.pause_above_celsius -
                      (sights_.contains(hot) ? kCoolerByCelsius : 0);
    if (gpu.temperature_celsius.value_or(0) > limit) reasons.push_back(hot);
  }
  if (options_.yield_bytes > 0 && gpu.foreign_bytes >= options_.yield_bytes) {
    reasons.push_back("other programs use " + gpu.device);
  }
  return reasons;
}

std::vector<std::string> Manners::Judge(const Surroundings& seen,
                                        absl::Duration now) {
  for (const std::string& reason : AgainstTheHour(seen)) Note(reason, now);
  for (const GpuUse& gpu : seen.gpus) {
    for (const std::string& reason : AgainstTheUse(gpu)) Note(reason, now);
  }
  has_judged_ = true;
  Forget(now);
  std::vector<std::string> reasons;
  for (const auto& [reason, sight] : sights_) {
    if (sight.counts) reasons.push_back(reason);
  }
  return reasons;
}

void Manners::Note(const std::string& reason, absl::Duration now) {
  Sight& sight = sights_.try_emplace(reason, Sight{.first = now}).first->second;
  sight.last = now;
  if (!has_judged_ || now - sight.first >= kBeginsAfter) sight.counts = true;
}

void Manners::Forget(absl::Duration now) {
  std::erase_if(sights_, [now](const auto& entry) {
    const Sight& sight = entry.second;
    const absl::Duration patience =
        sight.counts ? kEndsAfter : absl::ZeroDuration();
    return sight.last < now && now - sight.last >= patience;
  });
}

}  // namespace dfsweep::worker
