#ifndef DFSWEEP_MODEL_TRAIN_DATASET_ON_DEVICE_H_
#define DFSWEEP_MODEL_TRAIN_DATASET_ON_DEVICE_H_

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "model/config/parameters.h"
#include "model/data/dataset.h"
#include "model/train/trial.h"

namespace dfsweep::model {

// What the network sees of a row (parameters data.representation and
// data.image_form).
enum class InputForm {
  kDirection,
  kTimed,
  kCumulative,
  kPixels,            // / 255
  kNormalisedPixels,  // padded from 28×28 to 32×32, less .1, / .2752
};

// Throws config::Error if `configuration` asks for what `dataset` hasn't, or
// for a network that isn't for its kind.
InputForm ChooseInputForm(const data::Dataset& dataset,
                          const config::Configuration& configuration);

// A dataset whose values lie on a device, in one byte each but for times;
// batches are gathered there. Immutable.
class DatasetOnDevice {
 public:
  // On the CPU the tensors may be views of `dataset`, which must outlive this.
  DatasetOnDevice(const data::Dataset& dataset, InputForm form,
                  c10::Device device);

  // Inputs [rows, length] float of the given rows (int64, on the device):
  // traces are cut, or padded with 0, to `length`.
  torch::Tensor Inputs(const torch::Tensor& rows, int64_t length) const;
  // Row numbers as a tensor on the device.
  torch::Tensor Rows(const std::vector<int64_t>& rows) const;

  c10::Device device() const { return values_.device(); }

 private:
  // `values` are those of `rows`, cut.
  torch::Tensor Form(const torch::Tensor& values,
                     const torch::Tensor& rows) const;

  InputForm form_;
  torch::Tensor values_;   // [n, length] int8, uint8, or float if timed
  torch::Tensor lengths_;  // [n] int64, cells before the padding; if cumulative
};

// Keeps the last dataset on its device for the next trial. Not thread-safe.
class DatasetCache {
 public:
  struct Entry {
    std::unique_ptr<data::Dataset> host;
    std::unique_ptr<DatasetOnDevice> device;
  };

  // Throws Failure with cause `data`, and config::Error where the dataset is
  // not what the configuration needs. The entry lives until the next call.
  const Entry& Load(const Trial& trial, c10::Device device);

 private:
  std::string key_;
  Entry entry_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_DATASET_ON_DEVICE_H_
