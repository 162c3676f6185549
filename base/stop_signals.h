#ifndef DFSWEEP_BASE_STOP_SIGNALS_H_
#define DFSWEEP_BASE_STOP_SIGNALS_H_

#include <string>

namespace dfsweep {

// SIGINT, SIGTERM and SIGHUP, which mean "stop", as a file descriptor instead
// of as interruptions. Make one before threads start: they inherit the mask.
// One thread.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Readable when a signal has come.
  int descriptor() const { return descriptor_; }
  // The signal that has come; 0 if none has.
  int Take();

  // Waits for a signal or, if asked for, for the end of standard input. Returns
  // which, in words.
  std::string Await(bool or_end_of_input);

 private:
  int descriptor_;
};

// Reads what standard input has. True at its end.
bool InputHasEnded();

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_STOP_SIGNALS_H_
