#ifndef DFSWEEP_MODEL_TRAIN_PRECISION_H_
#define DFSWEEP_MODEL_TRAIN_PRECISION_H_

#include <c10/core/Device.h>
#include <torch/types.h>

#include <string>

namespace dfsweep::model {

// Process-wide switches of LibTorch for one trial: TF32 or full fp32, and
// deterministic kernels or the fastest found by trying. To be called before a
// trial, by the thread that trains.
void SetArithmetic(const std::string& precision, bool deterministic);

// Within its scope, convolutions and matrix products on `device` run in
// bfloat16, if `precision` is "bf16"; weights stay fp32. One thread's matter.
class Autocast {
 public:
  Autocast(const std::string& precision, c10::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool on_;
  c10::DeviceType type_;
};

// The type that a convolution or matrix product of x computes in.
at::ScalarType ComputedIn(const torch::Tensor& x);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_PRECISION_H_
