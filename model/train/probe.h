#ifndef DFSWEEP_MODEL_TRAIN_PROBE_H_
#define DFSWEEP_MODEL_TRAIN_PROBE_H_

#include <c10/core/Device.h>

#include <string>

namespace dfsweep::model {

struct ProbeResult {
  // A sum over the bits of each weight of a small network after a few steps:
  // the same text on machines that compute alike, another if a single bit
  // differs.
  std::string weights;
  double samples_per_second = 0;  // of DF's training, batch 128, length 1000
};

// Trains for a second or two on fixed, made-up traces, in deterministic fp32.
// Throws what LibTorch throws. Sets the switches of SetArithmetic.
ProbeResult RunProbe(c10::Device device);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_PROBE_H_
