// Which trials of a sweep are not worth training to their end.
#ifndef DFSWEEP_COORDINATOR_SEARCH_STOPPER_H_
#define DFSWEEP_COORDINATOR_SEARCH_STOPPER_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sweeps/sweep_file.h"

namespace dfsweep::coordinator {

// A rule, and what it was told. Its state is what was told of each trial, in
// whichever order. Losses are finite, and smaller is better. Not thread-safe.
class Stopper {
 public:
  virtual ~Stopper() = default;

  // The trial has this loss after so many epochs, all tasks together; told
  // again of the same epochs it ignores that. True if the trial is to be judged
  // now, if it is still being trained.
  virtual bool Report(const std::string& trial_id, int64_t epochs,
                      double loss) = 0;
  // The trial was trained to its end.
  virtual void Complete(const std::string& trial_id) = 0;

  // Whether the trial may go on, as far as is known now.
  virtual bool Keeps(const std::string& trial_id) const = 0;
  // Trials that may have come to be kept since the last call, and that go on if
  // they were stopped. Always empty of a rule that stops for good.
  virtual std::set<std::string> TakeRisen() = 0;
  // Of stopped trials (at least one) the one that deserves to go on most.
  virtual std::string Foremost(
      const std::vector<std::string>& stopped) const = 0;
};

// Null for Type::kNone.
std::unique_ptr<Stopper> MakeStopper(const sweeps::EarlyTerminate& rule);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SEARCH_STOPPER_H_
