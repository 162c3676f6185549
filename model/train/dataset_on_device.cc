#include "model/train/dataset_on_device.h"

#include <algorithm>

#include "model/protocol/protocol.h"
#include "model/train/failure.h"
#include "model/train/split.h"

namespace dfsweep::model {

DatasetOnDevice::DatasetOnDevice(const data::Dataset& dataset,
                                 c10::Device device) {
  // from_blob wants a mutable pointer; nothing writes through it.
  auto* cells = const_cast<int8_t*>(dataset.cells().data());
  cells_ = at::from_blob(cells, {dataset.size(), dataset.length()}, at::kChar)
               .to(device);
  units_ = torch::tensor(OutputUnits(dataset), at::kLong).to(device);
}

torch::Tensor DatasetOnDevice::Inputs(const torch::Tensor& rows,
                                      int64_t length) const {
  int64_t present = std::min(length, cells_.size(1));
  torch::Tensor cells = cells_.narrow(1, 0, present).index_select(0, rows);
  if (present < length) {
    cells = at::constant_pad_nd(cells, {0, length - present});
  }
  return cells.to(at::kFloat);
}

torch::Tensor DatasetOnDevice::Units(const torch::Tensor& rows) const {
  return units_.index_select(0, rows);
}

torch::Tensor DatasetOnDevice::Rows(const std::vector<int64_t>& rows) const {
  return torch::tensor(rows, at::kLong).to(device());
}

const DatasetCache::Entry& DatasetCache::Load(const Trial& trial,
                                              c10::Device device) {
  std::string key = trial.dataset.string() + "\n" + trial.dataset_digest +
                    "\n" + device.str();
  // Without a digest the file may have changed since.
  if (key == key_ && !trial.dataset_digest.empty()) return entry_;
  key_.clear();
  entry_ = {};
  try {
    entry_.host = std::make_unique<data::Dataset>(trial.dataset);
  } catch (const config::Error& error) {
    throw Failure(protocol::cause::kData, error);
  }
  entry_.device = std::make_unique<DatasetOnDevice>(*entry_.host, device);
  key_ = key;
  return entry_;
}

}  // namespace dfsweep::model
