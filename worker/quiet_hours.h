#ifndef DFSWEEP_WORKER_QUIET_HOURS_H_
#define DFSWEEP_WORKER_QUIET_HOURS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/civil_time.h"
#include "base/status.h"

namespace dfsweep::worker {

// Times of day, by the machine's own clock, in which its owner wants it quiet.
class QuietHours {
 public:
  // "08:00-12:00,13:30-18:00"; "22:00-07:00" goes over midnight; "" is never.
  static absl::StatusOr<QuietHours> Parse(std::string_view text);

  // The span that `time` falls into as it was written ("08:00-12:00"), or "".
  // Its end is outside.
  std::string SpanAt(absl::CivilMinute time) const;

 private:
  struct Span {
    int begin = 0;  // minutes since midnight
    int end = 0;
    std::string text;
  };
  std::vector<Span> spans_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_QUIET_HOURS_H_
