#include "cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "cli/exit_status.h"

namespace dfsweep::cli {
namespace {

// Signals belong to the process, so this state does too. Never destroyed: the
// thread outlives main().
struct State {
  absl::Mutex mutex;
  bool in_scope ABSL_GUARDED_BY(mutex) = false;
  std::function<void()> on_interrupt ABSL_GUARDED_BY(mutex);
  std::atomic<bool> interrupted = false;
};

State& TheState() {
  static State& state = *new State();
  return state;
}

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  return signals;
}

[[noreturn]] void EndAtOnce() {
  constexpr char kText[] = "\ninterrupted\n";
  (void)!::write(STDERR_FILENO, kText, std::strlen(kText));
  ::_exit(kExitInterrupted);
}

void HandleSignal() {
  State& state = TheState();
  absl::MutexLock lock(&state.mutex);
  if (!state.in_scope || state.interrupted.exchange(true)) EndAtOnce();
  state.on_interrupt();
}

}  // namespace

void StartInterruptThread() {
  sigset_t signals = StopSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A closed pipe is an error of write(), see FinishOutput.
  ::signal(SIGPIPE, SIG_IGN);
  std::thread([signals] {
    while (true) {
      int signal = 0;
      if (::sigwait(&signals, &signal) == 0) HandleSignal();
    }
  }).detach();
}

InterruptScope::InterruptScope(std::function<void()> on_interrupt) {
  State& state = TheState();
  absl::MutexLock lock(&state.mutex);
  state.in_scope = true;
  state.interrupted = false;
  state.on_interrupt = std::move(on_interrupt);
}

InterruptScope::~InterruptScope() {
  State& state = TheState();
  absl::MutexLock lock(&state.mutex);
  state.in_scope = false;
  state.on_interrupt = nullptr;
}

bool InterruptScope::interrupted() const { return TheState().interrupted; }

}  // namespace dfsweep::cli
