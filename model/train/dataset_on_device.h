#ifndef DFSWEEP_MODEL_TRAIN_DATASET_ON_DEVICE_H_
#define DFSWEEP_MODEL_TRAIN_DATASET_ON_DEVICE_H_

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "model/data/dataset.h"
#include "model/train/trial.h"

namespace dfsweep::model {

// A dataset whose cells lie on a device as int8; batches are gathered there.
// Immutable.
class DatasetOnDevice {
 public:
  // On the CPU the tensors are views of `dataset`, which must outlive this.
  DatasetOnDevice(const data::Dataset& dataset, c10::Device device);

  // Inputs [rows, length] float of the given rows (int64, on the device): cut,
  // or padded with 0.
  torch::Tensor Inputs(const torch::Tensor& rows, int64_t length) const;
  // Output units [rows] int64.
  torch::Tensor Units(const torch::Tensor& rows) const;
  // Row numbers as a tensor on the device.
  torch::Tensor Rows(const std::vector<int64_t>& rows) const;

  c10::Device device() const { return cells_.device(); }

 private:
  torch::Tensor cells_;  // [n, length] int8
  torch::Tensor units_;  // [n] int64
};

// Keeps the last dataset on its device for the next trial. Not thread-safe.
class DatasetCache {
 public:
  struct Entry {
    std::unique_ptr<data::Dataset> host;
    std::unique_ptr<DatasetOnDevice> device;
  };

  // Throws Failure with cause `data`. The entry lives until the next call.
  const Entry& Load(const Trial& trial, c10::Device device);

 private:
  std::string key_;
  Entry entry_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_DATASET_ON_DEVICE_H_
