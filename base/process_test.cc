#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace dfsweep {
namespace {

Process StartShell(const std::string& script) {
  auto process =
      Process::Start({.program = "/bin/sh", .arguments = {"-c", script}});
  EXPECT_TRUE(process.ok()) << process.status();
  return std::move(process).value();
}

TEST(Process, LinesGoBothWays) {
  Process cat = StartShell("exec cat");

  ASSERT_TRUE(cat.WriteLine("hello").ok());

  EXPECT_EQ(cat.ReadLine(absl::Seconds(10)).value(), "hello");
}

TEST(Process, ClosedInputEndsTheChild) {
  Process cat = StartShell("exec cat");

  cat.CloseInput();

  auto exit = cat.Wait(absl::Seconds(10));
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 0);
}

TEST(Process, ExitCodeAndSignalAreToldApart) {
  EXPECT_EQ(StartShell("exit 3").Wait(absl::Seconds(10))->code, 3);
  Process victim = StartShell("exec sleep 1000");
  victim.Signal(SIGKILL);
  EXPECT_EQ(victim.Wait(absl::Seconds(10))->signal, SIGKILL);
}

TEST(Process, RunningChildHasNoExit) {
  Process sleeper = StartShell("exec sleep 1000");
  EXPECT_FALSE(sleeper.Poll().has_value());
}

TEST(Process, EndOfOutputIsOutOfRange) {
  Process child = StartShell("echo one");
  EXPECT_EQ(child.ReadLine(absl::Seconds(10)).value(), "one");
  EXPECT_EQ(child.ReadLine(absl::Seconds(10)).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(Process, MissingProgramIsAnError) {
  auto process = Process::Start({.program = "/nonexistent/program"});
  EXPECT_EQ(process.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace dfsweep
