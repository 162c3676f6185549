#ifndef DFSWEEP_MODEL_SERVE_H_
#define DFSWEEP_MODEL_SERVE_H_

#include <string>

namespace dfsweep::model {

// The two ways to use the trainer; PROTOCOL.md describes both. Each writes its
// events to standard output and returns the program's exit code.

struct FileOptions {
  std::string device;       // "": the best there is
  int threads = 0;          // 0: LibTorch's choice
  std::string checkpoints;  // a folder; "": none are kept
};

// Trains the trial in `file`; throws config::Error if that can't be read.
int RunFile(const std::string& file, const FileOptions& options);

// Obeys commands on standard input until it ends. The end of the input ends the
// process at once, from whatever it is doing.
int Serve();

// The probe of train/probe.h, as one line of JSON.
int PrintProbe(const FileOptions& options);

// The environment on the best device, as one line of JSON.
int PrintEnvironment();

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_SERVE_H_
