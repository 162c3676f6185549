// The arrays of a dataset wherever they lie, and what must hold for them: the
// writer and the reader of native files check the same. Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_DATASET_VIEW_H_
#define DFSWEEP_MODEL_DATA_DATASET_VIEW_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "model/data/dataset.h"
#include "model/data/native_layout.h"

namespace dfsweep::data {

struct DatasetView {
  NativeContents contents;  // says how long each array is
  std::span<const int8_t> cells;
  std::span<const uint8_t> pixels;
  std::span<const int64_t> labels;
  std::span<const int64_t> groups;
  std::span<const uint8_t> split;
  std::span<const float> times;
  std::optional<int64_t> unmonitored;
};

bool WithinLimits(const NativeContents& contents);

// "24118 traces of 5000 cells"
std::string ShapeText(const NativeContents& contents);

// What is wrong with the values, "" if nothing is.
std::string FaultIn(const DatasetView& view);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_DATASET_VIEW_H_
