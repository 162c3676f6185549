#include "model/train/probe.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace dfsweep::model {
namespace {

TEST(ProbeTest, GivesTheSameBitsEachTime) {
  const ProbeResult first = RunProbe(c10::kCPU);
  const ProbeResult second = RunProbe(c10::kCPU);
  EXPECT_EQ(first.weights, second.weights);
  EXPECT_GT(first.samples_per_second, 0);
}

TEST(ProbeTest, HasANumberForEachOfTheNetworksTensors) {
  const std::string weights = RunProbe(c10::kCPU).weights;
  // 8 convolutions and 3 dense layers with weight and bias, 10 batch norms with
  // scale and shift.
  EXPECT_EQ(std::count(weights.begin(), weights.end(), ','), 41);
}

}  // namespace
}  // namespace dfsweep::model
