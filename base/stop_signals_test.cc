#include "base/stop_signals.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

namespace dfsweep {
namespace {

TEST(StopSignals, SignalIsReadInsteadOfKilling) {
  StopSignals signals;
  EXPECT_EQ(signals.Take(), 0);

  ::raise(SIGTERM);

  pollfd event{signals.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&event, 1, 10'000), 1);
  EXPECT_EQ(signals.Take(), SIGTERM);
  EXPECT_EQ(signals.Take(), 0);
}

TEST(StopSignals, AwaitNamesTheSignal) {
  StopSignals signals;
  ::raise(SIGINT);
  EXPECT_EQ(signals.Await(/*or_end_of_input=*/false), "Interrupt");
}

}  // namespace
}  // namespace dfsweep
