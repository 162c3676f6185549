#ifndef DFSWEEP_MODEL_ENVIRONMENT_H_
#define DFSWEEP_MODEL_ENVIRONMENT_H_

#include <c10/core/Device.h>

#include "model/config/parameters.h"

namespace dfsweep::model {

// The `environment` of PROTOCOL.md for training on `device` with the threads
// set at present. Opens no CUDA context.
config::Json Environment(c10::Device device);

// The first GPU if LibTorch sees one, else the CPU.
c10::Device BestDevice();

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_ENVIRONMENT_H_
