#include "coordinator/engine/sweep_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "coordinator/engine/new_trials.h"
#include "coordinator/results/rows.h"
#include "coordinator/store/names.h"
#include "sweeps/varying.h"

namespace dfsweep::coordinator {
namespace {

SweepSubmitted EventOf(const std::string& sweep_id, const sweeps::Sweep& sweep,
                       const std::vector<NewTrial>& trials) {
  SweepSubmitted event{.sweep_id = sweep_id,
                       .priority = static_cast<int>(sweep.priority)};
  FillTrials(sweep, trials, event);
  return event;
}

SweepRow RowOf(const PreparedSweep& prepared, const std::string& dataset_name,
               absl::Time now) {
  const Submission& submission = prepared.submission;
  const sweeps::Sweep& sweep = submission.sweep;
  return {.sweep_id = "sw-" + RandomHex(4),
          .name = sweep.name,
          .meaning = submission.meaning,
          .priority = static_cast<int>(sweep.priority),
          .dataset_name = dataset_name,
          .dataset_digest = submission.dataset_digest,
          .metric_name = sweep.metric.name,
          .metric_maximize = sweep.metric.maximize,
          .file_text = sweep.text,
          .file_name = sweep.file_name,
          .overrides = sweep.overrides,
          .varying = prepared.varying,
          .searches = sweeps::IsDecidedByResults(sweep),
          .create_time = now};
}

// The name in the file, without "@digest"; a path becomes the dataset's
// registered name.
std::string DatasetNameOf(const sweeps::Sweep& sweep,
                          const DatasetRow& dataset) {
  std::string name = sweep.dataset.substr(0, sweep.dataset.find('@'));
  return name.find('/') == std::string::npos ? name : dataset.name;
}

absl::StatusOr<SweepView> ViewOf(Turn& turn, const std::string& sweep_id) {
  DFSWEEP_ASSIGN_OR_RETURN(SweepRow row, FindSweep(turn.store(), sweep_id));
  return ViewSweep(turn.store(), row, turn.wall_time());
}

absl::StatusOr<SweepView> SetStatus(Turn& turn, const SweepRow& row,
                                    SweepStatus status, const Event& event) {
  DFSWEEP_RETURN_IF_ERROR(turn.Step(event));
  turn.store().SetSweepStatus(row.sweep_id, status);
  turn.news().sweep_ids.insert(row.sweep_id);
  turn.store().AddEvent("sweep_changed",
                        fmt::format("sweep {} ({}) is {} now", row.sweep_id,
                                    row.name, NameOf(status)),
                        turn.wall_time());
  turn.watchers().SweepChanged(row.sweep_id);
  return ViewOf(turn, row.sweep_id);
}

absl::Status CancelledError(const SweepRow& row) {
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "the sweep was cancelled", "sweep " + row.name,
                   "run `dfsweep retry` on the sweep, or submit it again");
}

}  // namespace

// ---- Submitting -------------------------------------------------------------

absl::StatusOr<Submission> ReadSubmission(const std::string& file_text,
                                          const std::string& file_name,
                                          std::vector<std::string> overrides,
                                          const std::string& dataset_digest) {
  Submission submission{.dataset_digest = dataset_digest};
  DFSWEEP_ASSIGN_OR_RETURN(
      submission.sweep,
      sweeps::ParseSweep(file_text, file_name, std::move(overrides)));
  DFSWEEP_ASSIGN_OR_RETURN(submission.expansion,
                           sweeps::Expand(submission.sweep, dataset_digest));
  if (sweeps::MayGrow(submission.sweep)) {
    DFSWEEP_ASSIGN_OR_RETURN(
        submission.grown,
        sweeps::ExpandOutlook(submission.sweep, dataset_digest));
  }
  submission.meaning =
      sweeps::SweepDigest(submission.sweep, submission.expansion);
  return submission;
}

PreparedSweep Prepare(Submission submission) {
  PreparedSweep prepared{.submission = std::move(submission)};
  const Submission& read = prepared.submission;
  prepared.trials =
      NewTrialsOf(read.sweep, read.expansion.trials, read.dataset_digest);
  prepared.varying = sweeps::VaryingParameters(read.outlook());
  return prepared;
}

PlanView PlanSweep(Store& store, const Submission& submission) {
  PlanView view;
  view.plan = sweeps::MakePlan(submission.sweep, submission.outlook(),
                               [&store](std::string_view trial_id) {
                                 return store.HasResult(std::string(trial_id));
                               });
  view.slots = store.OnlineFleet().slots;
  std::optional<double> pace = store.SecondsPerWork(submission.dataset_digest);
  if (!pace.has_value()) return view;
  double work = 0;
  for (const sweeps::Trial& trial : submission.outlook().trials) {
    if (!store.HasResult(trial.id)) work += WorkOf(*trial.configuration);
  }
  view.expected_time = absl::Seconds(work * *pace / std::max(view.slots, 1));
  return view;
}

absl::StatusOr<SubmitAnswer> CreateSweep(Turn& turn,
                                         const PreparedSweep& prepared,
                                         const std::string& request_id) {
  const Submission& submission = prepared.submission;
  Store& store = turn.store();
  SubmitAnswer answer;
  DFSWEEP_ASSIGN_OR_RETURN(std::optional<std::string> before,
                           store.FindRequest(request_id, "CreateSweep"));
  if (before.has_value()) {
    Json stored = Json::parse(*before);
    answer.existed = stored["existed"];
    DFSWEEP_ASSIGN_OR_RETURN(answer.sweep, ViewOf(turn, stored["sweep_id"]));
    return answer;
  }
  std::optional<DatasetRow> dataset =
      store.FindDataset(submission.dataset_digest);
  if (!dataset.has_value()) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "the coordinator does not have the dataset",
                     fmt::format("dataset {} ({})", submission.sweep.dataset,
                                 submission.dataset_digest),
                     "upload it first: dfsweep data import");
  }
  std::optional<SweepRow> row = store.FindSweepByMeaning(submission.meaning);
  answer.existed = row.has_value();
  if (!row.has_value()) {
    row = RowOf(prepared, DatasetNameOf(submission.sweep, *dataset),
                turn.wall_time());
    const SweepSubmitted event =
        EventOf(row->sweep_id, submission.sweep, prepared.trials);
    store.InsertSweep(*row, prepared.trials, event.requirements, event.budget);
    DFSWEEP_RETURN_IF_ERROR(turn.Step(event));
    turn.news().sweep_ids.insert(row->sweep_id);
    store.AddEvent("sweep_created",
                   fmt::format("sweep {} ({}): {} trials", row->sweep_id,
                               row->name, event.trial_ids.size()),
                   turn.wall_time());
  }
  store.PutRequest(
      request_id, "CreateSweep",
      Json{{"sweep_id", row->sweep_id}, {"existed", answer.existed}}.dump(),
      turn.wall_time());
  DFSWEEP_ASSIGN_OR_RETURN(answer.sweep, ViewOf(turn, row->sweep_id));
  return answer;
}

// ---- Commands ---------------------------------------------------------------

absl::StatusOr<SweepRow> FindSweep(Store& store, const std::string& sweep) {
  std::optional<SweepRow> row = store.FindSweep(sweep);
  if (row.has_value()) return *row;
  return MakeError(absl::StatusCode::kNotFound, "there is no such sweep",
                   "sweep " + sweep, "list the sweeps: dfsweep ls");
}

absl::StatusOr<SweepView> GetSweep(Turn& turn, const std::string& sweep) {
  return ViewOf(turn, sweep);
}

absl::StatusOr<SweepView> PauseSweep(Turn& turn, const std::string& sweep) {
  DFSWEEP_ASSIGN_OR_RETURN(SweepRow row, FindSweep(turn.store(), sweep));
  if (row.status == SweepStatus::kCancelled) return CancelledError(row);
  return SetStatus(turn, row, SweepStatus::kPaused, SweepPaused{row.sweep_id});
}

absl::StatusOr<SweepView> ResumeSweep(Turn& turn, const std::string& sweep) {
  DFSWEEP_ASSIGN_OR_RETURN(SweepRow row, FindSweep(turn.store(), sweep));
  if (row.status == SweepStatus::kCancelled) return CancelledError(row);
  return SetStatus(turn, row, SweepStatus::kActive, SweepResumed{row.sweep_id});
}

absl::StatusOr<SweepView> CancelSweep(Turn& turn, const std::string& sweep) {
  DFSWEEP_ASSIGN_OR_RETURN(SweepView view, GetSweep(turn, sweep));
  if (view.state == SweepState::kFinished ||
      view.state == SweepState::kCancelled) {
    return view;
  }
  return SetStatus(turn, view.row, SweepStatus::kCancelled,
                   SweepCancelled{view.row.sweep_id});
}

absl::StatusOr<std::string> FindTrialId(Turn& turn, const std::string& prefix) {
  std::vector<std::string> ids = turn.store().TrialIdsWithPrefix(prefix, 2);
  if (ids.size() == 1) return ids[0];
  return MakeError(absl::StatusCode::kNotFound,
                   ids.empty() ? "there is no such trial"
                               : "more than one trial begins with these digits",
                   "trial " + prefix,
                   ids.empty() ? "list the trials: dfsweep status SWEEP"
                               : "give more digits");
}

namespace {

// Takes back the cancelling. The trials are the sweep's already: they keep
// their requirements, and the file need not be read again.
absl::Status Revive(Turn& turn, const SweepRow& row) {
  DFSWEEP_RETURN_IF_ERROR(turn.Step(
      SweepSubmitted{.sweep_id = row.sweep_id, .priority = row.priority}));
  turn.store().SetSweepStatus(row.sweep_id, SweepStatus::kActive);
  turn.news().sweep_ids.insert(row.sweep_id);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> TrialsToRetry(
    Turn& turn, const SweepRow& row, const std::vector<std::string>& trials) {
  std::vector<std::string> ended = turn.store().TrialIdsInState(
      row.sweep_id, {TrialState::kFailed, TrialState::kCancelled});
  if (trials.empty()) return ended;
  std::vector<std::string> chosen;
  for (const std::string& prefix : trials) {
    DFSWEEP_ASSIGN_OR_RETURN(std::string id, FindTrialId(turn, prefix));
    if (std::find(ended.begin(), ended.end(), id) == ended.end()) {
      return MakeError(absl::StatusCode::kFailedPrecondition,
                       "only a failed or cancelled trial of the sweep can be "
                       "retried",
                       "trial " + prefix, "look at it: dfsweep status SWEEP");
    }
    chosen.push_back(id);
  }
  return chosen;
}

}  // namespace

absl::StatusOr<RetryAnswer> RetryTrials(Turn& turn, const std::string& sweep,
                                        const std::vector<std::string>& trials,
                                        const std::string& request_id) {
  Store& store = turn.store();
  DFSWEEP_ASSIGN_OR_RETURN(SweepRow row, FindSweep(turn.store(), sweep));
  DFSWEEP_ASSIGN_OR_RETURN(std::optional<std::string> before,
                           store.FindRequest(request_id, "RetryTrials"));
  RetryAnswer answer;
  if (before.has_value()) {
    answer.retried = Json::parse(*before)["retried"];
  } else {
    bool is_cancelled = row.status == SweepStatus::kCancelled;
    if (is_cancelled && !trials.empty()) return CancelledError(row);
    DFSWEEP_ASSIGN_OR_RETURN(std::vector<std::string> ids,
                             TrialsToRetry(turn, row, trials));
    if (is_cancelled) DFSWEEP_RETURN_IF_ERROR(Revive(turn, row));
    DFSWEEP_RETURN_IF_ERROR(turn.Step(TrialsRetried{ids}));
    answer.retried = static_cast<int64_t>(ids.size());
    store.PutRequest(request_id, "RetryTrials",
                     Json{{"retried", answer.retried}}.dump(),
                     turn.wall_time());
    turn.watchers().SweepChanged(row.sweep_id);
  }
  DFSWEEP_ASSIGN_OR_RETURN(answer.sweep, ViewOf(turn, row.sweep_id));
  return answer;
}

// ---- Workers ----------------------------------------------------------------

namespace {

WorkerView ViewOf(Turn& turn, WorkerRow row) {
  WorkerView view{.row = std::move(row), .silence = absl::InfiniteDuration()};
  auto live = turn.scheduler().Worker(view.row.worker_id);
  if (live.has_value()) {
    view.row.state = live->state;
    view.row.reason = live->reason;
    view.silence = turn.now() - live->last_heard;
    for (const AttemptId& attempt : live->held) {
      view.trial_ids.push_back(attempt.trial_id);
    }
  }
  auto machine = turn.fleet().find(view.row.worker_id);
  const bool is_there = view.row.state != WorkerState::kLost &&
                        view.row.state != WorkerState::kLeft;
  if (is_there && machine != turn.fleet().end()) view.machine = machine->second;
  return view;
}

absl::StatusOr<WorkerRow> FindWorker(Turn& turn, const std::string& worker) {
  std::optional<WorkerRow> row = turn.store().FindWorker(worker);
  if (row.has_value()) return *std::move(row);
  return MakeError(absl::StatusCode::kNotFound, "there is no such worker",
                   "worker " + worker, "list the workers: dfsweep workers");
}

}  // namespace

std::vector<WorkerView> ListWorkers(Turn& turn, bool include_gone) {
  std::vector<WorkerView> views;
  for (WorkerRow& row : turn.store().ListWorkers()) {
    WorkerView view = ViewOf(turn, std::move(row));
    bool is_gone = view.row.state == WorkerState::kLost ||
                   view.row.state == WorkerState::kLeft;
    if (include_gone || !is_gone) views.push_back(std::move(view));
  }
  return views;
}

namespace {

// Feeds the scheduler an event that names a worker alone.
template <typename Ordered>
absl::StatusOr<WorkerView> Order(Turn& turn, const std::string& worker) {
  DFSWEEP_ASSIGN_OR_RETURN(WorkerRow row, FindWorker(turn, worker));
  DFSWEEP_RETURN_IF_ERROR(turn.Step(Ordered{row.worker_id}));
  return ViewOf(turn, std::move(row));
}

}  // namespace

absl::StatusOr<WorkerView> DrainWorker(Turn& turn, const std::string& worker) {
  return Order<WorkerDrained>(turn, worker);
}

absl::StatusOr<WorkerView> PauseWorker(Turn& turn, const std::string& worker) {
  return Order<WorkerPaused>(turn, worker);
}

absl::StatusOr<WorkerView> ResumeWorker(Turn& turn, const std::string& worker) {
  return Order<WorkerResumed>(turn, worker);
}

absl::Status RemoveWorker(Turn& turn, const std::string& worker) {
  return Order<WorkerRemoved>(turn, worker).status();
}

}  // namespace dfsweep::coordinator
