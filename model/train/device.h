#ifndef DFSWEEP_MODEL_TRAIN_DEVICE_H_
#define DFSWEEP_MODEL_TRAIN_DEVICE_H_

#include <c10/core/Device.h>

#include <string>

namespace dfsweep::model {

// "cpu", "cuda" (the first) or "cuda:N". Throws config::Error for another name
// and Failure with cause `environment` if there is no such device.
c10::Device ParseDevice(const std::string& name);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_DEVICE_H_
