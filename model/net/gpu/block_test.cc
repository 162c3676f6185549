#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/net/gpu/gpu.h"
#include "model/net/pool.h"
#include "model/test_data.h"
#include "model/train/precision.h"

namespace dfsweep::model {
namespace {

double RelativeDifference(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a.to(at::kDouble) - b).norm() / b.norm()).item<double>();
}

torch::Tensor Exact(const torch::Tensor& t) {
  return t.detach().to(at::kDouble).requires_grad_();
}

// A batch, numbers of channels, and the length with its margin.
struct Size {
  int64_t batch, channels, outputs, length;
};

// Few and many rows, and each number of rows left over by matrices.
const Size kSizes[] = {{3, 32, 32, 8},     {2, 32, 64, 25},   {5, 64, 64, 1007},
                       {7, 64, 128, 86},   {4, 128, 128, 23}, {3, 128, 256, 13},
                       {16, 256, 256, 86}, {2, 32, 32, 600}};

// On a GPU, in each precision, against LibTorch in float64.
class GpuTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
#ifndef DFSWEEP_EMULATES_GPU
    if (TestDevice().is_cpu()) {
      GTEST_SKIP() << "DFSWEEP_TEST_DEVICE names no GPU";
    }
#endif
    SetArithmetic(GetParam(), /*deterministic=*/true);
    torch::manual_seed(1);
  }
  void TearDown() override { SetArithmetic("fp32", /*deterministic=*/true); }

  at::ScalarType type() const {
    return GetParam() == "bf16" ? at::kBFloat16 : at::kFloat;
  }
  double tolerance() const {
    return GetParam() == "fp32" ? 4e-6 : GetParam() == "tf32" ? 1.5e-3 : 1e-2;
  }
  torch::Tensor Random(at::IntArrayRef sizes, at::ScalarType type) const {
    const torch::Tensor values = at::randn(sizes).to(TestDevice(), type);
    return sizes.size() == 4 ? values.contiguous(at::MemoryFormat::ChannelsLast)
                             : values;
  }
};

INSTANTIATE_TEST_SUITE_P(Precisions, GpuTest,
                         testing::Values("fp32", "tf32", "bf16"),
                         [](const auto& info) { return info.param; });

TEST_P(GpuTest, ConvolutionIsLibTorchs) {
  for (auto [batch, channels, outputs, length] : kSizes) {
    SCOPED_TRACE(testing::Message() << channels << " to " << outputs);
    torch::Tensor x = Random({batch, channels, 1, length}, type());
    torch::Tensor weight = Random({outputs, channels, 1, 8}, type());
    torch::Tensor bias = Random({outputs}, type());
    for (torch::Tensor* t : {&x, &weight, &bias}) t->requires_grad_();
    const torch::Tensor exact_x = Exact(x), exact_weight = Exact(weight),
                        exact_bias = Exact(bias);
    const torch::Tensor y = gpu::Convolution(x, weight, bias);
    const torch::Tensor exact_y = at::conv2d(exact_x, exact_weight, exact_bias);
    EXPECT_LT(RelativeDifference(y, exact_y), tolerance());
    const torch::Tensor gradient = Random(y.sizes(), type());
    y.backward(gradient);
    exact_y.backward(gradient.to(at::kDouble));
    EXPECT_LT(RelativeDifference(x.grad(), exact_x.grad()), tolerance());
    EXPECT_LT(RelativeDifference(weight.grad(), exact_weight.grad()),
              tolerance());
    EXPECT_LT(RelativeDifference(bias.grad(), exact_bias.grad()), tolerance());
  }
}

TEST_P(GpuTest, MasksAreTheCpus) {
  const Stream stream(7, Purpose::kDropout, 1, 2, 3);
  for (int64_t size : {1, 4, 1001, 20003}) {
    const DropoutMask mask(stream, 5, .3, WordsOf(stream).to(TestDevice()));
    torch::Tensor values = at::zeros({size}, TestDevice());
    gpu::FillMask(mask, values);
    torch::Tensor expected = at::zeros({size});
    mask.Fill(0, size, expected.mutable_data_ptr<float>());
    EXPECT_TRUE(at::equal(values.cpu(), expected)) << size;
  }
}

// A normalisation and its layer's parameters.
Normalization RandomNorm(int64_t channels, bool by_batch) {
  auto random = [&] { return at::randn({channels}).to(TestDevice()); };
  return {.weight = random().requires_grad_(),
          .bias = random().requires_grad_(),
          .running_mean = random(),
          .running_variance = random().square() + .5,
          .new_share = .25,
          .epsilon = 1e-3,
          .by_batch = by_batch};
}

Normalization Exact(const Normalization& norm) {
  Normalization exact = norm;
  exact.weight = Exact(norm.weight);
  exact.bias = Exact(norm.bias);
  exact.running_mean = norm.running_mean.to(at::kDouble);
  exact.running_variance = norm.running_variance.to(at::kDouble);
  return exact;
}

torch::Tensor OnCpu(const torch::Tensor& t) {
  return t.detach().to(c10::kCPU, /*non_blocking=*/false, /*copy=*/true);
}

Normalization OnCpu(const Normalization& norm) {
  Normalization twin = norm;
  twin.weight = OnCpu(norm.weight).requires_grad_();
  twin.bias = OnCpu(norm.bias).requires_grad_();
  twin.running_mean = OnCpu(norm.running_mean);
  twin.running_variance = OnCpu(norm.running_variance);
  return twin;
}

// Images whose channels have means far from 0.
torch::Tensor Images(int64_t channels, int64_t length) {
  return at::randn({3, channels, 1, length}) * 2 +
         at::arange(channels).view({1, channels, 1, 1}) * .01;
}

// Compares gpu::NormActivate with the CPU's function, which fused_norm_test
// compares with LibTorch, on the same values.
void ExpectIsTheCpus(const torch::Tensor& images, bool by_batch, bool pools,
                     Activation activation) {
  const at::ScalarType type = images.scalar_type();
  const double limit = type == at::kBFloat16 ? 1e-2 : 1e-5;
  const Stream stream(7, Purpose::kDropout, 1, 2, 3);
  torch::Tensor x = images.to(TestDevice())
                        .contiguous(at::MemoryFormat::ChannelsLast)
                        .requires_grad_();
  torch::Tensor twin_x = OnCpu(x).requires_grad_();
  const Normalization norm = RandomNorm(images.size(1), by_batch);
  const Normalization twin = OnCpu(norm);
  DropoutMasks masks(WordsOf(stream).to(TestDevice())), twin_masks(stream);
  auto following = [&](DropoutMasks& drops) {
    return Following{.activation = activation,
                     .margin = {3, 4},
                     .pools = pools,
                     .masks = pools ? &drops : nullptr,
                     .rate = .4};
  };
  const torch::Tensor y = gpu::NormActivate(x, norm, following(masks));
  const torch::Tensor twin_y =
      NormActivate(twin_x, twin, following(twin_masks));
  const torch::Tensor gradient = at::randn(y.sizes()).to(type);
  y.backward(gradient.to(TestDevice()));
  twin_y.backward(gradient);
  auto expect_near = [&](const torch::Tensor& a, const torch::Tensor& b,
                         const char* what) {
    const torch::Tensor there = OnCpu(a).to(at::kDouble);
    const torch::Tensor here = b.detach().to(at::kDouble);
    EXPECT_LT((there - here).abs().max().item<double>(),
              limit * here.abs().max().item<double>() + 1e-6)
        << what;
  };
  expect_near(y, twin_y, "result");
  expect_near(x.grad(), twin_x.grad(), "input's gradient");
  expect_near(norm.weight.grad(), twin.weight.grad(), "weight's");
  expect_near(norm.bias.grad(), twin.bias.grad(), "bias's");
  expect_near(norm.running_mean, twin.running_mean, "mean");
  expect_near(norm.running_variance, twin.running_variance, "variance");
}

// For every kind of last window of a pool.
TEST_P(GpuTest, NormActivateIsTheCpus) {
  if (GetParam() == "tf32") GTEST_SKIP() << "is fp32's";
  auto all_kinds = [&](int64_t channels, int64_t length) {
    for (int kind = 0; kind < 8; ++kind) {
      const bool pools = kind & 1, by_batch = kind & 2, elu = kind & 4;
      SCOPED_TRACE(testing::Message()
                   << channels << " channels, length " << length
                   << (pools ? " pool" : "")
                   << (by_batch ? " of the batch" : "") << (elu ? " elu" : ""));
      ExpectIsTheCpus(Images(channels, length).to(type()), by_batch, pools,
                      elu ? Activation::kElu : Activation::kRelu);
    }
  };
  for (int64_t channels : {32, 64}) {
    for (int64_t length : {1, 2, 5, 6, 7, 8, 9, 66}) {
      all_kinds(channels, length);
    }
  }
  for (int64_t length : {1, 2}) all_kinds(512, length);
}

// Without an activation's kinks and a pool's choices, which open the other way
// where rounding says so: those are tested by fused_norm_test, on the same
// input for both sides.
TEST_P(GpuTest, ConvolutionWithNormIsTheLayersOneByOne) {
  const bool is_thin[] = {false, true};
  for (auto [batch, channels, outputs, length] : kSizes) {
    for (bool thin : is_thin) {
      for (bool by_batch : {true, false}) {
        if (thin && outputs > 64) continue;
        SCOPED_TRACE(
            testing::Message()
            << (thin ? 1 : channels) << " to " << outputs
            << (by_batch ? " of the batch" : " of running statistics"));
        const torch::Tensor x =
            thin
                ? Random({batch, length - 7}, at::kFloat)
                : Random({batch, channels, 1, length}, type()).requires_grad_();
        torch::Tensor weight =
            (Random({outputs, thin ? 1 : channels, 1, 8}, at::kFloat) * .1)
                .to(type())
                .to(at::kFloat)
                .requires_grad_();
        torch::Tensor bias = Random({outputs}, at::kFloat).requires_grad_();
        Normalization norm = RandomNorm(outputs, by_batch);
        norm.bias = at::full_like(norm.bias, 100).requires_grad_();
        Normalization exact_norm = Exact(norm);
        const torch::Tensor exact_x = Exact(x), exact_weight = Exact(weight),
                            exact_bias = Exact(bias);

        const torch::Tensor y = gpu::ConvolutionNorm(
            x, weight, bias, norm,
            {.activation = Activation::kRelu, .margin = {3, 4}}, type());
        const torch::Tensor cells =
            thin
                ? at::constant_pad_nd(exact_x.unsqueeze(1).unsqueeze(1), {3, 4})
                : exact_x;
        const torch::Tensor exact_y = at::relu(at::batch_norm(
            at::conv2d(cells, exact_weight, exact_bias), exact_norm.weight,
            exact_norm.bias, exact_norm.running_mean,
            exact_norm.running_variance, by_batch, norm.new_share, norm.epsilon,
            /*cudnn_enabled=*/false));
        const torch::Tensor inner = y.narrow(3, 3, length - 7);
        EXPECT_LT(RelativeDifference(inner, exact_y), tolerance());
        EXPECT_LT(
            RelativeDifference(norm.running_mean, exact_norm.running_mean),
            tolerance());
        EXPECT_LT(RelativeDifference(norm.running_variance,
                                     exact_norm.running_variance),
                  tolerance());

        const torch::Tensor gradient = Random(exact_y.sizes(), type());
        inner.backward(gradient);
        exact_y.backward(gradient.to(at::kDouble));
        if (!thin) {
          EXPECT_LT(RelativeDifference(x.grad(), exact_x.grad()),
                    3 * tolerance());
        }
        EXPECT_LT(RelativeDifference(weight.grad(), exact_weight.grad()),
                  3 * tolerance());
        EXPECT_LT(
            RelativeDifference(norm.weight.grad(), exact_norm.weight.grad()),
            3 * tolerance());
        EXPECT_LT(RelativeDifference(norm.bias.grad(), exact_norm.bias.grad()),
                  tolerance());
        if (by_batch) {
          EXPECT_EQ(bias.grad().abs().max().item<float>(), 0);
        } else {
          EXPECT_LT(RelativeDifference(bias.grad(), exact_bias.grad()),
                    tolerance());
        }
      }
    }
  }
}

}  // namespace
}  // namespace dfsweep::model
