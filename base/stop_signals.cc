#include "base/stop_signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstring>

namespace dfsweep {

StopSignals::StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  descriptor_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

StopSignals::~StopSignals() { ::close(descriptor_); }

int StopSignals::Take() {
  signalfd_siginfo info;
  if (::read(descriptor_, &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

std::string StopSignals::Await(bool or_end_of_input) {
  pollfd events[] = {{descriptor_, POLLIN, 0},
                     {or_end_of_input ? STDIN_FILENO : -1, POLLIN, 0}};
  while (true) {
    ::poll(events, 2, -1);
    if (int signal = Take(); signal != 0) return ::strsignal(signal);
    if (events[1].revents != 0 && InputHasEnded()) {
      return "standard input has ended";
    }
  }
}

bool InputHasEnded() {
  char bytes[256];
  return ::read(STDIN_FILENO, bytes, sizeof bytes) <= 0;
}

}  // namespace dfsweep
