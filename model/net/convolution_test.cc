#include "model/net/convolution.h"

#include <gtest/gtest.h>

#include "model/test_data.h"

namespace dfsweep::model {
namespace {

constexpr int64_t kMargin = 7;

torch::Tensor Images(int64_t batch, int64_t channels, int64_t length) {
  return at::randn({batch, channels, 1, length})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

torch::Tensor Doubles(const torch::Tensor& x) {
  return x.detach().to(at::kDouble).requires_grad_();
}

// Relative to the largest value.
double LargestError(const torch::Tensor& value, const torch::Tensor& exact) {
  return (value - exact).abs().max().item<double>() /
         exact.abs().max().item<double>();
}

TEST(Convolution, GradientsAreExact) {
  if (TestDevice().is_cuda()) GTEST_SKIP() << "is for the CPU";
  torch::manual_seed(1);
  for (auto [inputs, outputs] : {std::pair{2, 16}, {32, 64}, {64, 64}}) {
    for (int64_t length : {1, 5, 16, 63, 128, 129, 300}) {
      torch::Tensor x = Images(11, inputs, length + kMargin).requires_grad_();
      torch::Tensor weight = Images(outputs, inputs, 8).requires_grad_();
      torch::Tensor bias = at::randn({outputs}).requires_grad_();
      torch::Tensor exact_x = Doubles(x), exact_weight = Doubles(weight),
                    exact_bias = Doubles(bias);
      const torch::Tensor gradient = Images(11, outputs, length);
      const torch::Tensor y = Convolution(x, weight, bias);
      const torch::Tensor exact = at::conv2d(exact_x, exact_weight, exact_bias);
      y.backward(gradient);
      exact.backward(gradient.to(at::kDouble));
      EXPECT_LT(LargestError(y, exact), 1e-5);
      EXPECT_LT(LargestError(x.grad(), exact_x.grad()), 1e-5);
      EXPECT_LT(LargestError(weight.grad(), exact_weight.grad()), 1e-5);
      EXPECT_LT(LargestError(bias.grad(), exact_bias.grad()), 1e-5);
      // Also where Convolution leaves it to LibTorch, whose errors are larger.
      const torch::Tensor own = WeightGradient(x.detach(), gradient);
      EXPECT_TRUE(own.is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_LT(LargestError(own, exact_weight.grad()), 1e-6)
          << inputs << " inputs, length " << length;
    }
  }
}

}  // namespace
}  // namespace dfsweep::model
