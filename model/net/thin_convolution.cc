#include "model/net/thin_convolution.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "model/net/parallel.h"
#include "model/net/vectors.h"

namespace dfsweep::model {
namespace {

constexpr int64_t kKernel = 8;
constexpr int64_t kFloatRows = 64;  // are added in float

// `x` is `rows` + kKernel − 1 cells, `weight` [kernel, channels].
template <typename V, typename Scalar>
DFSWEEP_INLINE void Convolve(const float* x, const float* weight,
                             const float* bias, int64_t rows, int64_t channels,
                             Scalar* y) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    Floats<V> kernel[kKernel];
    for (int64_t k = 0; k < kKernel; ++k) {
      kernel[k] = V::Load(weight + k * channels + c);
    }
    const auto start = V::Load(bias + c);
    for (int64_t row = 0; row < rows; ++row) {
      Floats<V> sum = start;
      for (int64_t k = 0; k < kKernel; ++k) sum += kernel[k] * x[row + k];
      V::Store(y + row * channels + c, sum);
    }
  }
}

// Adds to `sums`, [kernel + 1, channels], the gradients of weight and bias.
template <typename V, typename Scalar>
DFSWEEP_INLINE void AddGradients(const float* x, const Scalar* gradient,
                                 int64_t rows, int64_t channels, double* sums) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    Floats<V> kernel[kKernel] = {}, bias = {};
    for (int64_t row = 0; row < rows; ++row) {
      const auto slope = V::Load(gradient + row * channels + c);
      for (int64_t k = 0; k < kKernel; ++k) kernel[k] += slope * x[row + k];
      bias += slope;
    }
    for (int64_t i = 0; i < V::kLanes; ++i) {
      for (int64_t k = 0; k < kKernel; ++k) {
        sums[k * channels + c + i] += kernel[k][i];
      }
      sums[kKernel * channels + c + i] += bias[i];
    }
  }
}

// Calls work(vectors, index, cells, first, rows), inlined and vectorized, for
// each part of each sequence of x, on several threads: `cells` are those under
// the rows from `first` on, with the padding.
template <typename Work>
void ForParts(const torch::Tensor& x, const Work& work) {
  const auto* values = x.const_data_ptr<float>();
  const int64_t length = x.size(1);
  ParallelFor(x.size(0), [&](int64_t begin, int64_t end) {
    std::vector<float> padded(length + kKernel - 1, 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      std::copy_n(values + i * length, length,
                  padded.begin() + kKernel / 2 - 1);
      Vectorized([&](auto vectors) DFSWEEP_LOOP {
        for (int64_t first = 0; first < length; first += kFloatRows) {
          work(vectors, i, padded.data() + first, first,
               std::min(kFloatRows, length - first));
        }
      });
    }
  });
}

template <typename Scalar>
void ConvolveAll(const torch::Tensor& x, const torch::Tensor& weight,
                 const torch::Tensor& bias, torch::Tensor& y) {
  const int64_t channels = weight.size(0), length = x.size(1);
  const torch::Tensor by_position = weight.flatten(1).t().contiguous();
  const auto* weights = by_position.const_data_ptr<float>();
  const auto* biases = bias.const_data_ptr<float>();
  auto* outputs = y.mutable_data_ptr<Scalar>();
  ForParts(x, [&](auto vectors, int64_t i, const float* cells, int64_t first,
                  int64_t rows) DFSWEEP_LOOP {
    Convolve<decltype(vectors)>(cells, weights, biases, rows, channels,
                                outputs + (i * length + first) * channels);
  });
}

// [kernel + 1, channels], of weight and bias.
template <typename Scalar>
torch::Tensor Gradients(const torch::Tensor& x, const torch::Tensor& gradient) {
  const int64_t channels = gradient.size(1), length = x.size(1);
  const auto* slopes = gradient.const_data_ptr<Scalar>();
  torch::Tensor sums =
      at::zeros({x.size(0), kKernel + 1, channels}, at::kDouble);
  auto* all = sums.mutable_data_ptr<double>();
  ForParts(x, [&](auto vectors, int64_t i, const float* cells, int64_t first,
                  int64_t rows) DFSWEEP_LOOP {
    AddGradients<decltype(vectors)>(
        cells, slopes + (i * length + first) * channels, rows, channels,
        all + i * (kKernel + 1) * channels);
  });
  return sums.sum(0).to(at::kFloat);
}

using Context = torch::autograd::AutogradContext;

struct Convolution : torch::autograd::Function<Convolution> {
  static torch::Tensor forward(Context* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias, at::ScalarType type) {
    torch::Tensor y =
        at::empty({x.size(0), weight.size(0), 1, x.size(1)},
                  x.options().dtype(type), at::MemoryFormat::ChannelsLast);
    if (type == at::kBFloat16) {
      ConvolveAll<c10::BFloat16>(x, weight, bias, y);
    } else {
      ConvolveAll<float>(x, weight, bias, y);
    }
    context->save_for_backward({x});
    return y;
  }

  static torch::autograd::variable_list backward(
      Context* context, const torch::autograd::variable_list& gradients) {
    const torch::Tensor x = context->get_saved_variables()[0];
    const torch::Tensor gradient =
        gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    const torch::Tensor sums = gradient.scalar_type() == at::kBFloat16
                                   ? Gradients<c10::BFloat16>(x, gradient)
                                   : Gradients<float>(x, gradient);
    return {{},
            sums.narrow(0, 0, kKernel).t().reshape({-1, 1, 1, kKernel}),
            sums.select(0, kKernel),
            {}};
  }
};

}  // namespace

torch::Tensor ThinConvolution(const torch::Tensor& x,
                              const torch::Tensor& weight,
                              const torch::Tensor& bias, at::ScalarType type) {
  return Convolution::apply(x.contiguous(), weight, bias, type);
}

}  // namespace dfsweep::model
