#ifndef DFSWEEP_MODEL_TRAIN_EVALUATE_H_
#define DFSWEEP_MODEL_TRAIN_EVALUATE_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/net/network.h"
#include "model/train/dataset_on_device.h"

namespace dfsweep::model {

// How a network is asked for its predictions.
struct EvaluationSettings {
  int64_t sequence_length;
  std::string precision;
  // Output units that may be predicted, int64 [units] on the device.
  torch::Tensor active_units;
  // Called before each batch; may throw to stop.
  std::function<void()> before_batch;
};

// The output unit with the largest logit for each row, int64 [rows] on the
// device. In eval mode; the network is left as it was.
torch::Tensor Predict(Network& network, const DatasetOnDevice& data,
                      const std::vector<int64_t>& rows,
                      const EvaluationSettings& settings);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_EVALUATE_H_
