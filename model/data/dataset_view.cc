#include "model/data/dataset_view.h"

#include <algorithm>
#include <bit>

#include "model/data/limits.h"

namespace dfsweep::data {
namespace {

// The loops below have no early exit, so that the compiler can vectorise them.

bool AreDirections(std::span<const int8_t> cells) {
  uint8_t worst = 0;
  for (int8_t cell : cells) {
    worst = std::max(worst, static_cast<uint8_t>(cell + 1));
  }
  return worst <= 2;
}

// Finite, not negative (nor -0.0), and +0.0 where there is no cell.
bool AreTimes(std::span<const float> times, std::span<const int8_t> cells) {
  constexpr uint32_t kInfinity = 0x7f800000;
  uint32_t worst = 0, at_padding = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    const auto bits = std::bit_cast<uint32_t>(times[i]);
    worst = std::max(worst, bits);
    at_padding |= cells[i] == 0 ? bits : 0;
  }
  return worst < kInfinity && at_padding == 0;
}

bool HasNegative(std::span<const int64_t> labels) {
  return std::any_of(labels.begin(), labels.end(),
                     [](int64_t label) { return label < 0; });
}

}  // namespace

bool WithinLimits(const NativeContents& contents) {
  const int64_t most = contents.times ? kMaxTimedCells : kMaxCells;
  return contents.count >= 1 && contents.count <= kMaxTraces &&
         contents.length >= 1 && contents.length <= kMaxTraceLength &&
         contents.count <= most / contents.length;
}

std::string ShapeText(const NativeContents& contents) {
  return std::to_string(contents.count) +
         (contents.images ? " images of " : " traces of ") +
         std::to_string(contents.length) +
         (contents.images ? " pixels" : " cells");
}

std::string FaultIn(const DatasetView& view) {
  if (!AreDirections(view.cells) || HasNegative(view.labels) ||
      view.unmonitored.value_or(0) < 0) {
    return "a cell is not -1, 0 or 1, or a label is negative";
  }
  const bool sides_known = std::all_of(
      view.split.begin(), view.split.end(),
      [](uint8_t side) { return side <= static_cast<uint8_t>(Side::kTest); });
  if (!sides_known) return "a side of the split is not 0, 1 or 2";
  if (view.contents.images && view.contents.times) {
    return "images have no times";
  }
  if (!AreTimes(view.times, view.cells)) {
    return "a time is negative or not finite, or stands at padding";
  }
  return "";
}

}  // namespace dfsweep::data
