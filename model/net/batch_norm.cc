#include "model/net/batch_norm.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

// The compiler makes a version for each width of vectors; the machine's is
// chosen when the program starts.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DFSWEEP_VECTORIZED \
  __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define DFSWEEP_VECTORIZED
#endif

namespace dfsweep::model {
namespace {

constexpr int64_t kFloatRows = 64;  // are added in float
constexpr int64_t kTaskRows = 1024;

// ---- Loops over rows of channels --------------------------------------------

DFSWEEP_VECTORIZED
void AddRows(const float* __restrict x, int64_t rows, int64_t channels,
             float* __restrict sum) {
  for (int64_t row = 0; row < rows; ++row, x += channels) {
    for (int64_t c = 0; c < channels; ++c) sum[c] += x[c];
  }
}

DFSWEEP_VECTORIZED
void AddSquares(const float* __restrict x, const float* __restrict mean,
                int64_t rows, int64_t channels, float* __restrict sum) {
  for (int64_t row = 0; row < rows; ++row, x += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      const float centred = x[c] - mean[c];
      sum[c] += centred * centred;
    }
  }
}

// The gradient's sum, then that of its product with the centred input.
DFSWEEP_VECTORIZED
void AddGradients(const float* __restrict gradient, const float* __restrict x,
                  const float* __restrict mean, int64_t rows, int64_t channels,
                  float* __restrict sum, float* __restrict product) {
  for (int64_t row = 0; row < rows;
       ++row, x += channels, gradient += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      sum[c] += gradient[c];
      product[c] += gradient[c] * (x[c] - mean[c]);
    }
  }
}

// y = (x − mean) · scale + shift
DFSWEEP_VECTORIZED
void Normalize(const float* __restrict x, const float* __restrict mean,
               const float* __restrict scale, const float* __restrict shift,
               int64_t rows, int64_t channels, float* __restrict y) {
  for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      y[c] = (x[c] - mean[c]) * scale[c] + shift[c];
    }
  }
}

// dx = dy · scale + (x − mean) · slope + offset
DFSWEEP_VECTORIZED
void InputGradient(const float* __restrict gradient, const float* __restrict x,
                   const float* __restrict mean, const float* __restrict scale,
                   const float* __restrict slope,
                   const float* __restrict offset, int64_t rows,
                   int64_t channels, float* __restrict result) {
  for (int64_t row = 0; row < rows;
       ++row, x += channels, gradient += channels, result += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      result[c] =
          gradient[c] * scale[c] + (x[c] - mean[c]) * slope[c] + offset[c];
    }
  }
}

// ---- Sums -------------------------------------------------------------------

using Sums = std::vector<double>;

// Sums of `width` values a row: `add` adds some rows to floats.
Sums SumOverRows(
    int64_t rows, int64_t width,
    const std::function<void(int64_t first, int64_t count, float* sums)>& add) {
  const int64_t tasks = (rows + kTaskRows - 1) / kTaskRows;
  std::vector<Sums> parts(tasks);
  at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> some(width);
    for (int64_t task = begin; task < end; ++task) {
      Sums& part = parts[task];
      part.assign(width, 0);
      const int64_t last = std::min(rows, (task + 1) * kTaskRows);
      for (int64_t row = task * kTaskRows; row < last; row += kFloatRows) {
        std::fill(some.begin(), some.end(), 0.0f);
        add(row, std::min(kFloatRows, last - row), some.data());
        for (int64_t i = 0; i < width; ++i) part[i] += some[i];
      }
    }
  });
  Sums total(width, 0);
  for (const Sums& part : parts) {
    for (int64_t i = 0; i < width; ++i) total[i] += part[i];
  }
  return total;
}

void ForRows(int64_t rows,
             const std::function<void(int64_t first, int64_t count)>& work) {
  const int64_t tasks = (rows + kTaskRows - 1) / kTaskRows;
  at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * kTaskRows;
    work(first, std::min(rows, end * kTaskRows) - first);
  });
}

// ---- The function with its gradient -----------------------------------------

// [batch, channels, 1, length] as [batch · length, channels], without a copy.
torch::Tensor AsRows(const torch::Tensor& x) {
  return x.dim() == 2 ? x : x.permute({0, 2, 3, 1}).flatten(0, 2);
}

bool HasRows(const torch::Tensor& x) {
  if (!x.device().is_cpu() || x.scalar_type() != at::kFloat) return false;
  return x.dim() == 2
             ? x.is_contiguous()
             : x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

using Context = torch::autograd::AutogradContext;

struct Normalization : torch::autograd::Function<Normalization> {
  static torch::Tensor forward(Context* context, const torch::Tensor& input,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias,
                               torch::Tensor running_mean,
                               torch::Tensor running_variance, double new_share,
                               double epsilon) {
    const torch::Tensor x = AsRows(input);
    const int64_t rows = x.size(0), channels = x.size(1);
    const float* values = x.const_data_ptr<float>();
    torch::Tensor mean = at::empty({channels}), inverse = at::empty({channels});
    float* means = mean.mutable_data_ptr<float>();
    const Sums sums =
        SumOverRows(rows, channels, [&](int64_t row, int64_t count, float* s) {
          AddRows(values + row * channels, count, channels, s);
        });
    for (int64_t c = 0; c < channels; ++c) {
      means[c] = static_cast<float>(sums[c] / static_cast<double>(rows));
    }
    const Sums squares =
        SumOverRows(rows, channels, [&](int64_t row, int64_t count, float* s) {
          AddSquares(values + row * channels, means, count, channels, s);
        });
    std::vector<float> scale(channels);
    float* inverses = inverse.mutable_data_ptr<float>();
    float* old_means = running_mean.mutable_data_ptr<float>();
    float* old_variances = running_variance.mutable_data_ptr<float>();
    const float* weights = weight.const_data_ptr<float>();
    const auto n = static_cast<double>(rows);
    for (int64_t c = 0; c < channels; ++c) {
      inverses[c] = static_cast<float>(1 / std::sqrt(squares[c] / n + epsilon));
      scale[c] = weights[c] * inverses[c];
      old_means[c] += static_cast<float>(new_share * (means[c] - old_means[c]));
      old_variances[c] += static_cast<float>(
          new_share * (squares[c] / (n - 1) - old_variances[c]));
    }
    torch::Tensor output = at::empty_like(input);
    float* outputs = output.mutable_data_ptr<float>();
    ForRows(rows, [&](int64_t row, int64_t count) {
      Normalize(values + row * channels, means, scale.data(),
                bias.const_data_ptr<float>(), count, channels,
                outputs + row * channels);
    });
    context->save_for_backward({input, weight, mean, inverse});
    return output;
  }

  static torch::autograd::variable_list backward(
      Context* context, const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& input = saved[0];
    const torch::Tensor x = AsRows(input);
    const torch::Tensor gradient =
        AsRows(HasRows(gradients[0])
                   ? gradients[0]
                   : gradients[0].contiguous(input.suggest_memory_format()));
    const int64_t rows = x.size(0), channels = x.size(1);
    const float* values = x.const_data_ptr<float>();
    const float* slopes_in = gradient.const_data_ptr<float>();
    const float* weights = saved[1].const_data_ptr<float>();
    const float* means = saved[2].const_data_ptr<float>();
    const float* inverses = saved[3].const_data_ptr<float>();
    const Sums sums = SumOverRows(
        rows, 2 * channels, [&](int64_t row, int64_t count, float* s) {
          AddGradients(slopes_in + row * channels, values + row * channels,
                       means, count, channels, s, s + channels);
        });
    torch::Tensor weight_gradient = at::empty({channels}),
                  bias_gradient = at::empty({channels});
    std::vector<float> scale(channels), slope(channels), offset(channels);
    const auto n = static_cast<double>(rows);
    for (int64_t c = 0; c < channels; ++c) {
      const double inverse = inverses[c], product = sums[channels + c];
      weight_gradient.mutable_data_ptr<float>()[c] =
          static_cast<float>(product * inverse);
      bias_gradient.mutable_data_ptr<float>()[c] = static_cast<float>(sums[c]);
      const double factor = weights[c] * inverse;
      scale[c] = static_cast<float>(factor);
      slope[c] = static_cast<float>(-factor * inverse * inverse * product / n);
      offset[c] = static_cast<float>(-factor * sums[c] / n);
    }
    torch::Tensor input_gradient = at::empty_like(input);
    float* results = input_gradient.mutable_data_ptr<float>();
    ForRows(rows, [&](int64_t row, int64_t count) {
      InputGradient(slopes_in + row * channels, values + row * channels, means,
                    scale.data(), slope.data(), offset.data(), count, channels,
                    results + row * channels);
    });
    return {input_gradient, weight_gradient, bias_gradient, {}, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor BatchNormByBatch(const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias,
                               torch::Tensor running_mean,
                               torch::Tensor running_variance, double new_share,
                               double epsilon) {
  if (HasRows(x) && weight.scalar_type() == at::kFloat) {
    return Normalization::apply(x, weight, bias, std::move(running_mean),
                                std::move(running_variance), new_share,
                                epsilon);
  }
  return at::batch_norm(x, weight, bias, running_mean, running_variance,
                        /*training=*/true, new_share, epsilon,
                        at::globalContext().userEnabledCuDNN());
}

}  // namespace dfsweep::model
