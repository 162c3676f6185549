// What people ask for, as handlers of the engine.
#ifndef DFSWEEP_COORDINATOR_ENGINE_SWEEP_CALLS_H_
#define DFSWEEP_COORDINATOR_ENGINE_SWEEP_CALLS_H_

#include <optional>
#include <string>
#include <vector>

#include "coordinator/engine/turn.h"
#include "coordinator/engine/views.h"
#include "sweeps/expand.h"
#include "sweeps/plan.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::coordinator {

// ---- Submitting -------------------------------------------------------------

// A sweep file, parsed and expanded. Made outside of the engine's thread: a
// large grid takes a while.
struct Submission {
  sweeps::Sweep sweep;
  sweeps::Expansion expansion;
  // See sweeps::ExpandOutlook; absent if the expansion is all there will be.
  std::optional<sweeps::Expansion> grown;
  std::string meaning;
  std::string dataset_digest;

  const sweeps::Expansion& outlook() const {
    return grown ? *grown : expansion;
  }
};
absl::StatusOr<Submission> ReadSubmission(const std::string& file_text,
                                          const std::string& file_name,
                                          std::vector<std::string> overrides,
                                          const std::string& dataset_digest);

// A submission with what CreateSweep stores of it. To prepare a large one takes
// seconds: not on the engine's thread.
struct PreparedSweep {
  Submission submission;
  std::vector<NewTrial> trials;      // as its expansion has them
  std::vector<std::string> varying;  // see sweeps::VaryingParameters
};
PreparedSweep Prepare(Submission submission);

struct PlanView {
  sweeps::Plan plan;
  std::optional<absl::Duration> expected_time;
  int slots = 0;
};
struct SubmitAnswer {
  SweepView sweep;
  bool existed = false;
};
// Takes long for a large sweep: best on a connection of its own.
PlanView PlanSweep(Store& store, const Submission& submission);
// kFailedPrecondition if its dataset is not registered.
absl::StatusOr<SubmitAnswer> CreateSweep(Turn& turn,
                                         const PreparedSweep& prepared,
                                         const std::string& request_id);

// ---- Commands. `sweep`: id, or name (newest). kNotFound if there is none. ---

absl::StatusOr<SweepRow> FindSweep(Store& store, const std::string& sweep);
absl::StatusOr<SweepView> GetSweep(Turn& turn, const std::string& sweep);
absl::StatusOr<SweepView> PauseSweep(Turn& turn, const std::string& sweep);
absl::StatusOr<SweepView> ResumeSweep(Turn& turn, const std::string& sweep);
// Of a finished sweep: changes nothing.
absl::StatusOr<SweepView> CancelSweep(Turn& turn, const std::string& sweep);

struct RetryAnswer {
  int64_t retried = 0;
  SweepView sweep;
};
// `trials`: ids or unique prefixes; empty: all failed and cancelled ones, which
// also takes back the cancelling of the sweep.
absl::StatusOr<RetryAnswer> RetryTrials(Turn& turn, const std::string& sweep,
                                        const std::vector<std::string>& trials,
                                        const std::string& request_id);

// The trial of an id or unique prefix.
absl::StatusOr<std::string> FindTrialId(Turn& turn, const std::string& prefix);

// ---- Workers. `worker`: name or id. -----------------------------------------

std::vector<WorkerView> ListWorkers(Turn& turn, bool include_gone);
absl::StatusOr<WorkerView> DrainWorker(Turn& turn, const std::string& worker);
absl::StatusOr<WorkerView> PauseWorker(Turn& turn, const std::string& worker);
absl::StatusOr<WorkerView> ResumeWorker(Turn& turn, const std::string& worker);
absl::Status RemoveWorker(Turn& turn, const std::string& worker);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_SWEEP_CALLS_H_
