// A process that is killed between two system calls, wherever that is.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "coordinator/store/crash_testing.h"

namespace dfsweep::coordinator {
namespace {

constexpr int kRequests = 3;

// The process that is killed. Makes a store, writes, closes it, opens it again
// and writes; a byte to `acknowledged` is an acknowledgement.
[[noreturn]] void Write(const std::filesystem::path& folder, int acknowledged) {
  if (::ptrace(PTRACE_TRACEME) != 0) ::_exit(errno);
  ::raise(SIGSTOP);
  std::unique_ptr<SqliteStore> store;
  for (int number = 1; number <= kRequests; ++number) {
    if (number == 1 || number == kRequests) {
      store.reset();
      store = OpenStore(folder);
    }
    if (!Put(*store, number).ok() || ::write(acknowledged, "a", 1) != 1) break;
  }
  store.reset();
  ::_exit(0);
}

struct Death {
  bool was_killed = false;  // or it came to its end before
  int acknowledged = 0;
};

// Lets a traced process go on up to its next system call, into which it does
// not come. False at its end.
bool GoToNextCall(pid_t process) {
  for (bool is_entry = false; !is_entry;) {
    int status = 0;
    ::ptrace(PTRACE_SYSCALL, process, nullptr, nullptr);
    if (::waitpid(process, &status, 0) != process || !WIFSTOPPED(status)) {
      return false;
    }
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) continue;
    __ptrace_syscall_info call{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, process, sizeof call, &call);
    is_entry = call.op == PTRACE_SYSCALL_INFO_ENTRY;
  }
  return true;
}

// Kills a writer before it makes its `calls`-th system call.
Death KillBeforeCall(const std::filesystem::path& folder, int calls) {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  const pid_t writer = ::fork();
  if (writer == 0) Write(folder, pipe[1]);
  ::close(pipe[1]);
  int status = 0;
  ::waitpid(writer, &status, 0);
  ::ptrace(PTRACE_SETOPTIONS, writer, nullptr,
           PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
  Death death{.was_killed = true};
  for (int call = 0; call < calls && death.was_killed; ++call) {
    death.was_killed = GoToNextCall(writer);
  }
  if (death.was_killed) {
    ::kill(writer, SIGKILL);
    ::waitpid(writer, &status, 0);
  }
  char acknowledgement = 0;
  while (::read(pipe[0], &acknowledgement, 1) == 1) ++death.acknowledged;
  ::close(pipe[0]);
  return death;
}

// 0, or why this process may not trace another.
int ErrorOfTracing() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::ptrace(PTRACE_TRACEME) == 0 ? 0 : errno);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

TEST(KillTest, BeforeAnySystemCallLosesNothingThatWasAcknowledged) {
  if (const int error = ErrorOfTracing(); error != 0) {
    GTEST_SKIP() << "SKIPPED: can't trace a process: " << std::strerror(error);
  }
  const int step = NumberFromEnvironment("DFSWEEP_KILL_STEP", 7);
  Death death{.was_killed = true};
  for (int calls = 1; death.was_killed; calls += step) {
    RecordProperty("calls", calls);
    SCOPED_TRACE("killed before system call " + std::to_string(calls));
    TemporaryFolder folder(InMemory());

    death = KillBeforeCall(folder.path(), calls);

    const int found = CountRequests(folder.path());
    EXPECT_GE(found, death.acknowledged);
    EXPECT_LE(found, death.acknowledged + 1);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(death.acknowledged, kRequests) << "a writer that nobody killed";
}

}  // namespace
}  // namespace dfsweep::coordinator
