#include "coordinator/engine/engine.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace dfsweep::coordinator {
namespace {

// More handlers in one transaction would make the first wait for the last.
constexpr size_t kMaxHandlers = 256;
constexpr absl::Duration kCleanUpEvery = absl::Hours(1);
constexpr absl::Duration kCleanUpAfterFailure = absl::Minutes(1);
// How long a repeated request id is recognised.
constexpr absl::Duration kKeepRequests = absl::Hours(24);

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Start(
    std::unique_ptr<Store> store, const Clock& clock, Options options) {
  std::unique_ptr<Engine> engine(
      new Engine(std::move(store), clock, std::move(options)));
  DFSWEEP_RETURN_IF_ERROR(engine->Restore());
  engine->thread_ = std::thread([raw = engine.get()] { raw->Run(); });
  engine->sending_thread_ =
      std::thread([raw = engine.get()] { raw->RunSends(); });
  return engine;
}

Engine::Engine(std::unique_ptr<Store> store, const Clock& clock,
               Options options)
    : clock_(clock),
      options_(std::move(options)),
      started_at_(clock.Elapsed()),
      store_id_(store->StoreId()),
      store_(std::move(store)),
      next_clean_up_(clock.Elapsed()) {}

Engine::~Engine() { Stop(); }

absl::Status Engine::Restore() {
  store_->Begin();
  RestoredState state = store_->Restore();
  searches_.Restore(*store_);
  DFSWEEP_RETURN_IF_ERROR(store_->Commit());
  restored_at_ = clock_.Elapsed();
  scheduler_.emplace(options_.scheduler, state, restored_at_);
  is_restored_ = true;
  return absl::OkStatus();
}

void Engine::Post(Handler handler) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back(std::move(handler));
}

void Engine::EndCalls() {
  ending_calls_ = true;
  Wake();
}

void Engine::Stop() {
  EndCalls();
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
  {
    absl::MutexLock lock(&sends_mutex_);
    no_more_sends_ = true;
  }
  if (sending_thread_.joinable()) sending_thread_.join();
}

void Engine::Run() {
  while (!is_last_turn_) RunTurn(TakeHandlers());
  store_.reset();
}

std::vector<Engine::Handler> Engine::TakeHandlers() {
  absl::Duration wait = absl::InfiniteDuration();
  if (std::optional<absl::Duration> deadline = NextDeadline()) {
    wait = std::max(*deadline - clock_.Elapsed(), absl::ZeroDuration());
  }
  absl::MutexLock lock(&mutex_);
  auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  };
  mutex_.AwaitWithTimeout(absl::Condition(&wanted), wait);
  std::vector<Handler> handlers;
  if (queue_.size() <= kMaxHandlers) {
    handlers = std::exchange(queue_, {});
    is_last_turn_ = stopping_;
  } else {
    auto end = queue_.begin() + kMaxHandlers;
    handlers.assign(std::make_move_iterator(queue_.begin()),
                    std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
  }
  return handlers;
}

void Engine::RunTurn(const std::vector<Handler>& handlers) {
  store_->Begin();
  Turn turn(*scheduler_, *store_, parked_, watchers_, fleet_, clock_.Elapsed(),
            clock_.WallTime());
  // A scheduler that was made anew does not know whom parity shuts out.
  if (std::exchange(is_restored_, false)) Judge(turn);
  for (const Handler& handler : handlers) handler(turn);
  // After the handlers: a heartbeat among them is heard before its worker is
  // judged.
  std::optional<absl::Duration> deadline = scheduler_->NextDeadline();
  if (deadline.has_value() && *deadline <= turn.now()) {
    // Ticked is never refused.
    turn.Step(Ticked{}).IgnoreError();
  }
  if (turn.workers_changed()) Judge(turn);
  CleanUp(turn);
  searches_.Advance(turn);
  turn.ServeParkedCalls();
  TakeMessages(turn);
  Finish(turn);
}

void Engine::TakeMessages(Turn& turn) {
  const bool ending = ending_calls_;
  if (ending) turn.EndParkedCalls();
  std::vector<std::function<void()>> sends =
      ending ? watchers_.TakeStopping(*store_, turn.now())
             : watchers_.TakeDue(*store_, turn.now());
  for (std::function<void()>& send : sends) {
    turn.AfterCommit([send = std::move(send)](const absl::Status& committed) {
      if (committed.ok()) send();
    });
  }
}

void Engine::Finish(Turn& turn) {
  absl::Status committed = store_->Commit();
  if (committed.ok()) {
    trials_ended_ += turn.ended();
  } else {
    spdlog::error("nothing was stored: {}", MessageOf(committed));
    if (absl::IsDataLoss(committed)) options_.on_fatal(committed);
    absl::Status restored = Restore();
    if (!restored.ok()) options_.on_fatal(restored);
    next_clean_up_ = turn.now() + kCleanUpAfterFailure;
    parked_.ForgetCommands();
    watchers_.AllChanged();
  }
  for (const Turn::Tell& tell : turn.TakeTells()) tell(committed);
  PassSends();
}

void Engine::PassSends() {
  if (sends_.empty()) return;
  absl::MutexLock lock(&sends_mutex_);
  std::move(sends_.begin(), sends_.end(), std::back_inserter(passed_sends_));
  sends_.clear();
}

void Engine::RunSends() {
  while (true) {
    std::vector<std::function<void()>> sends;
    {
      absl::MutexLock lock(&sends_mutex_);
      auto wanted = [this]() ABSL_SHARED_LOCKS_REQUIRED(sends_mutex_) {
        return no_more_sends_ || !passed_sends_.empty();
      };
      sends_mutex_.Await(absl::Condition(&wanted));
      if (passed_sends_.empty()) return;
      sends = std::exchange(passed_sends_, {});
    }
    for (const std::function<void()>& send : sends) send();
  }
}

void Engine::Judge(Turn& turn) {
  JudgeParity(turn, options_.parity, restored_at_);
}

void Engine::CleanUp(Turn& turn) {
  if (turn.now() < next_clean_up_) return;
  next_clean_up_ = turn.now() + kCleanUpEvery;
  store_->Prune(turn.wall_time() - kKeepRequests);
  // A restored scheduler takes every worker for heard from, whatever the store
  // says of it, and tells a state only when it changes.
  for (const WorkerRow& row : store_->ListWorkers()) {
    auto view = scheduler_->Worker(row.worker_id);
    if (view.has_value() && view->state != row.state) {
      store_->SetWorkerState(
          {row.worker_id, view->state, view->reason, view->order});
    }
  }
  // Who left long ago is remembered no more.
  Judge(turn);
}

std::optional<absl::Duration> Engine::NextDeadline() const {
  std::optional<absl::Duration> next;
  for (std::optional<absl::Duration> deadline :
       {scheduler_->NextDeadline(), parked_.NextDeadline(),
        watchers_.NextDeadline()}) {
    if (deadline.has_value() && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

}  // namespace dfsweep::coordinator
