#include "coordinator/service/sweep_messages.h"

#include <optional>

#include "coordinator/engine/sweep_calls.h"
#include "coordinator/engine/views.h"
#include "coordinator/service/convert.h"

namespace dfsweep::coordinator {
namespace {

// Of changed trials, far below what a client takes.
constexpr size_t kMaxBytes = 1 << 20;

bool HasEnded(const SweepView& view) {
  return view.state == SweepState::kFinished ||
         view.state == SweepState::kCancelled;
}

void AddTrials(Store& store, const SweepNews& news, SweepMessage& message) {
  size_t bytes = 0;
  for (const std::string& id : news.changed) {
    if (bytes >= kMaxBytes) {
      message.left.push_back(id);
      continue;
    }
    std::optional<TrialRow> row = store.FindTrialOf(news.sweep_id, id);
    if (!row.has_value()) continue;
    v1::Trial* trial = message.response.add_changed_trials();
    ToProto(*row, trial);
    bytes += trial->ByteSizeLong();
  }
}

}  // namespace

absl::StatusOr<SweepMessage> MakeSweepMessage(Store& store,
                                              const SweepNews& news,
                                              absl::Time now) {
  DFSWEEP_ASSIGN_OR_RETURN(SweepRow row, FindSweep(store, news.sweep_id));
  const SweepView view = ViewSweep(store, row, now);
  SweepMessage message;
  AddTrials(store, news, message);
  ToProto(view, message.response.mutable_sweep());
  message.response.set_workers_online(store.OnlineFleet().workers);
  message.response.set_server_stopping(news.server_stopping);
  message.has_ended = HasEnded(view);
  return message;
}

}  // namespace dfsweep::coordinator
