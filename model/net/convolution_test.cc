#include "model/net/convolution.h"

#include <gtest/gtest.h>

#include "model/test_data.h"

namespace dfsweep::model {
namespace {

torch::Tensor Images(int64_t batch, int64_t channels, int64_t length) {
  return at::randn({batch, channels, 1, length})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

torch::Tensor Doubles(const torch::Tensor& x) {
  return x.detach().to(at::kDouble).requires_grad_();
}

// Of the squared errors and values: the root of their means' ratio.
double Error(const torch::Tensor& value, const torch::Tensor& exact) {
  return (value - exact).norm().item<double>() / exact.norm().item<double>();
}

// Differences and kernels of bfloat16 are rounded once more than LibTorch's,
// whose error is 0.003 here.
double Tolerance(at::ScalarType type) {
  return type == at::kFloat ? 2e-6 : 6e-3;
}

void ExpectExact(int64_t inputs, int64_t outputs, int64_t length,
                 at::ScalarType type) {
  constexpr int64_t kBatch = 7;
  torch::Tensor x = at::constant_pad_nd(Images(kBatch, inputs, length), {3, 4})
                        .to(type, false, false, at::MemoryFormat::ChannelsLast)
                        .requires_grad_();
  torch::Tensor weight = Images(outputs, inputs, 8).requires_grad_();
  torch::Tensor bias = at::randn({outputs}).requires_grad_();
  torch::Tensor exact_x = Doubles(x), exact_weight = Doubles(weight),
                exact_bias = Doubles(bias);
  const torch::Tensor gradient = Images(kBatch, outputs, length).to(type);
  const torch::Tensor y = Convolution(x, weight, bias);
  const torch::Tensor exact = at::conv2d(exact_x, exact_weight, exact_bias);
  EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(y.scalar_type(), type);
  y.backward(gradient);
  exact.backward(gradient.to(at::kDouble));
  auto inner = [&](const torch::Tensor& t) { return t.narrow(3, 3, length); };
  const double tolerance = Tolerance(type);
  EXPECT_LT(Error(y, exact), tolerance);
  EXPECT_LT(Error(inner(x.grad()), inner(exact_x.grad())), tolerance);
  EXPECT_LT(Error(weight.grad(), exact_weight.grad()), tolerance);
  EXPECT_LT(Error(bias.grad(), exact_bias.grad()), 1e-6);
  EXPECT_EQ(x.grad().narrow(3, 0, 3).abs().max().item<float>(), 0);
  EXPECT_EQ(x.grad().narrow(3, length + 3, 4).abs().max().item<float>(), 0);
}

TEST(Convolution, IsExactForEveryLength) {
  if (TestDevice().is_cuda()) GTEST_SKIP() << "is for the CPU";
  torch::manual_seed(1);
  for (int64_t length : {1, 2, 7, 8, 9, 16, 63, 129, 700}) {
    SCOPED_TRACE(length);
    ExpectExact(32, 64, length, at::kFloat);
    ExpectExact(32, 64, length, at::kBFloat16);
  }
}

TEST(Convolution, IsExactForEveryWidth) {
  if (TestDevice().is_cuda()) GTEST_SKIP() << "is for the CPU";
  torch::manual_seed(2);
  for (int64_t inputs : {32, 64, 128, 256}) {
    SCOPED_TRACE(inputs);
    ExpectExact(inputs, inputs, 20, at::kFloat);
    ExpectExact(inputs, inputs, 20, at::kBFloat16);
  }
}

}  // namespace
}  // namespace dfsweep::model
