#include "model/net/batch_norm.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>

#include "ATen/Parallel.h"

namespace dfsweep::model {
namespace {

struct Outcome {
  torch::Tensor y, running_mean, running_variance;
  std::vector<torch::Tensor> gradients;  // of x, weight, bias

  std::vector<torch::Tensor> All() const {
    std::vector<torch::Tensor> all = {y, running_mean, running_variance};
    all.insert(all.end(), gradients.begin(), gradients.end());
    return all;
  }
};

// What `x`, far from zero as after a convolution with a bias, becomes.
Outcome Normalized(torch::Tensor x, bool own) {
  x = x.detach().requires_grad_();
  const int64_t channels = x.size(1);
  auto line = [&](double from, double to) {
    return at::linspace(from, to, channels, x.options()).detach();
  };
  torch::Tensor weight = line(-1, 2).requires_grad_();
  torch::Tensor bias = line(.5, -.5).requires_grad_();
  Outcome outcome{.running_mean = line(0, 1), .running_variance = line(1, 2)};
  outcome.y =
      own ? BatchNormByBatch(x, weight, bias, outcome.running_mean,
                             outcome.running_variance, .01, 1e-3)
          : at::batch_norm(x, weight, bias, outcome.running_mean,
                           outcome.running_variance, true, .01, 1e-3, false);
  torch::Tensor loss = (at::relu(outcome.y) * at::cos(outcome.y)).sum();
  outcome.gradients = torch::autograd::grad({loss}, {x, weight, bias});
  return outcome;
}

class BatchNorm : public ::testing::TestWithParam<std::vector<int64_t>> {
 protected:
  BatchNorm() {
    torch::manual_seed(5);
    x_ = at::randn(GetParam()) * 2 + 3;
    if (x_.dim() == 4) x_ = x_.contiguous(at::MemoryFormat::ChannelsLast);
  }
  torch::Tensor x_;
};

// Against LibTorch in double precision.
TEST_P(BatchNorm, ValuesGradientsAndStatisticsAreRight) {
  const std::vector<torch::Tensor> got = Normalized(x_, true).All();
  const std::vector<torch::Tensor> right =
      Normalized(x_.to(at::kDouble), false).All();
  for (size_t i = 0; i < right.size(); ++i) {
    // Of two rows the input hardly matters, and its gradient is all rounding.
    const double scale = std::max(1.0, right[i].abs().max().item<double>());
    const double error =
        (got[i].to(at::kDouble) - right[i]).abs().max().item<double>();
    EXPECT_LT(error, 2e-6 * scale) << "item " << i;
  }
}

TEST_P(BatchNorm, BitsDoNotDependOnThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const std::vector<torch::Tensor> one = Normalized(x_, true).All();
  at::set_num_threads(3);
  const std::vector<torch::Tensor> three = Normalized(x_, true).All();
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i) {
    // The test's own sums aside, which are of LibTorch.
    EXPECT_TRUE(at::equal(one[i], three[i])) << "item " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, BatchNorm,
                         ::testing::Values(std::vector<int64_t>{32, 512},
                                           std::vector<int64_t>{2, 3},
                                           std::vector<int64_t>{24, 32, 1, 512},
                                           std::vector<int64_t>{7, 5, 1, 301},
                                           std::vector<int64_t>{1, 16, 1, 65}));

// Whatever is not laid out in rows is LibTorch's.
TEST(BatchNormByBatch, OtherLayoutsAndTypesWorkToo) {
  torch::manual_seed(5);
  torch::Tensor x = at::randn({4, 6, 1, 9}) + 1;
  for (const torch::Tensor& other : {x, x.to(at::kDouble)}) {
    const Outcome own = Normalized(other, true),
                  theirs = Normalized(other, false);
    EXPECT_TRUE(at::equal(own.y, theirs.y));
  }
}

}  // namespace
}  // namespace dfsweep::model
