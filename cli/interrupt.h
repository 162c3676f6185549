// Ctrl-C. SIGINT, SIGTERM and SIGHUP are taken by one thread; the default is
// that the program ends at once with 130. Children see their standard input end
// and stop by themselves.
#ifndef DFSWEEP_CLI_INTERRUPT_H_
#define DFSWEEP_CLI_INTERRUPT_H_

#include <functional>

namespace dfsweep::cli {

// Blocks the signals and starts the thread. Call once, before other threads
// start, since they inherit the mask.
void StartInterruptThread();

// While it lives, the first signal sets `interrupted()` and calls
// `on_interrupt` (on the signal's thread; must not block) and only a second one
// ends the program. One at a time.
class InterruptScope {
 public:
  explicit InterruptScope(std::function<void()> on_interrupt);
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  bool interrupted() const;
};

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_INTERRUPT_H_
