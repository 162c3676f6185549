#include "model/net/fused_norm.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "model/net/fused_norm_loops.h"
#include "model/net/gpu/gpu.h"
#include "model/net/parallel.h"
#include "model/net/pool.h"
#include "model/net/vectors.h"

namespace dfsweep::model {
namespace {

// A part whose sums are made in float: at most so many rows, or values.
constexpr int64_t kPartRows = 64, kPartValues = 4096;
constexpr int64_t kMinPartRows = 16;

int64_t PartRows(int64_t channels) {
  return std::clamp(kPartValues / channels, kMinPartRows, kPartRows);
}

// ---- Statistics -------------------------------------------------------------

struct Shape {
  int64_t batch, length, channels;
  explicit Shape(const torch::Tensor& x)
      : batch(x.size(0)), length(x.size(3)), channels(x.size(1)) {}
  int64_t sequence() const { return length * channels; }
  double rows() const { return static_cast<double>(batch * length); }
};

using Sums = std::vector<double>;

// The moments of a number of values, of each channel; grows by those of others
// (Chan, Golub & LeVeque 1983).
class Moments {
 public:
  explicit Moments(int64_t channels) : mean_(channels), squares_(channels) {}

  template <typename Real>
  void Add(double count, const Real* mean, const Real* squares) {
    const double all = count_ + count;
    for (size_t c = 0; c < mean_.size(); ++c) {
      const double distance = mean[c] - mean_[c];
      mean_[c] += distance * count / all;
      squares_[c] += squares[c] + distance * distance * count_ * count / all;
    }
    count_ = all;
  }
  void Add(const Moments& more) {
    Add(more.count_, more.mean_.data(), more.squares_.data());
  }

  double mean(int64_t channel) const { return mean_[channel]; }
  // Summed squares of distances from the mean.
  double squares(int64_t channel) const { return squares_[channel]; }

 private:
  double count_ = 0;
  Sums mean_, squares_;
};

// Calls work(index) for each sequence of a batch, on several threads.
template <typename Work>
void ForSequences(int64_t batch, const Work& work) {
  ParallelFor(batch, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) work(i);
  });
}

template <typename Scalar>
Moments BatchMoments(const torch::Tensor& x) {
  const Shape shape(x);
  const int64_t part = PartRows(shape.channels);
  const auto* values = x.const_data_ptr<Scalar>();
  std::vector<Moments> sequences(shape.batch, Moments(shape.channels));
  ForSequences(shape.batch, [&](int64_t i) {
    std::vector<float> mean(shape.channels), squares(shape.channels);
    for (int64_t row = 0; row < shape.length; row += part) {
      const int64_t rows = std::min(part, shape.length - row);
      const Scalar* first =
          values + i * shape.sequence() + row * shape.channels;
      Vectorized([&](auto vectors) DFSWEEP_LOOP {
        MomentsOfRows<decltype(vectors)>(first, rows, shape.channels,
                                         mean.data(), squares.data());
      });
      sequences[i].Add(static_cast<double>(rows), mean.data(), squares.data());
    }
  });
  Moments all(shape.channels);
  for (const Moments& sequence : sequences) all.Add(sequence);
  return all;
}

// What to normalize by, [channels] each.
struct Statistics {
  torch::Tensor mean, inverse;  // 1 / √(variance + ε)
};

template <typename Scalar>
Statistics ByBatch(const torch::Tensor& x, Normalization norm) {
  const Shape shape(x);
  const Moments moments = BatchMoments<Scalar>(x);
  Statistics statistics{at::empty({shape.channels}),
                        at::empty({shape.channels})};
  auto* means = statistics.mean.mutable_data_ptr<float>();
  auto* inverses = statistics.inverse.mutable_data_ptr<float>();
  auto* old_means = norm.running_mean.mutable_data_ptr<float>();
  auto* old_variances = norm.running_variance.mutable_data_ptr<float>();
  const double n = shape.rows();
  for (int64_t c = 0; c < shape.channels; ++c) {
    means[c] = static_cast<float>(moments.mean(c));
    inverses[c] = static_cast<float>(
        1 / std::sqrt(moments.squares(c) / n + norm.epsilon));
    old_means[c] +=
        static_cast<float>(norm.new_share * (means[c] - old_means[c]));
    old_variances[c] += static_cast<float>(
        norm.new_share * (moments.squares(c) / (n - 1) - old_variances[c]));
  }
  return statistics;
}

template <typename Scalar>
Statistics Measure(const torch::Tensor& x, const Normalization& norm) {
  if (norm.by_batch) return ByBatch<Scalar>(x, norm);
  return {norm.running_mean.clone(),
          (norm.running_variance + norm.epsilon).rsqrt()};
}

// Owns the values of Scales.
class ScaleValues {
 public:
  ScaleValues(const Statistics& statistics, const torch::Tensor& weight,
              const torch::Tensor& bias)
      : mean_(statistics.mean),
        scale_(weight * statistics.inverse),
        shift_(bias) {}
  Scales get() const {
    return {mean_.const_data_ptr<float>(), scale_.const_data_ptr<float>(),
            shift_.const_data_ptr<float>()};
  }
  const torch::Tensor& scale() const { return scale_; }

 private:
  torch::Tensor mean_, scale_, shift_;
};

// The gradients that follow from the sums of those of the normalized values and
// of their products with the centred input.
struct ParameterGradients {
  torch::Tensor weight, bias;   // [channels]
  torch::Tensor slope, offset;  // of the input's; see InputSlopes

  ParameterGradients(const std::vector<Sums>& sequences,
                     const Statistics& statistics, const torch::Tensor& scale,
                     double rows, bool by_batch) {
    const int64_t channels = scale.size(0);
    Sums total(2 * channels, 0);
    for (const Sums& sequence : sequences) {
      for (size_t i = 0; i < total.size(); ++i) total[i] += sequence[i];
    }
    const torch::Tensor sums = torch::tensor(total, at::kDouble);
    const torch::Tensor sum = sums.narrow(0, 0, channels);
    const torch::Tensor inverse = statistics.inverse.to(at::kDouble);
    const torch::Tensor along = sums.narrow(0, channels, channels) * inverse;
    weight = along.to(at::kFloat);
    bias = sum.to(at::kFloat);
    // Statistics of the batch depend on the input too.
    const double share = by_batch ? 1 / rows : 0;
    slope = (scale * inverse * along * -share).to(at::kFloat);
    offset = (scale * sum * -share).to(at::kFloat);
  }
  InputSlopes input() const {
    return {slope.const_data_ptr<float>(), offset.const_data_ptr<float>()};
  }
};

// ---- The functions with their gradients -------------------------------------

using Context = torch::autograd::AutogradContext;
using Tensors = torch::autograd::variable_list;

// A result, whose sequences have zeros around them.
template <typename Scalar>
class PaddedResult {
 public:
  PaddedResult(const torch::Tensor& like, int64_t length, Margin margin)
      : length_(length),
        margin_(margin),
        channels_(like.size(1)),
        tensor_(at::empty(
            {like.size(0), channels_, 1, margin.left + length + margin.right},
            like.options(), at::MemoryFormat::ChannelsLast)),
        values_(tensor_.mutable_data_ptr<Scalar>()) {}

  // The first row of a sequence, behind its margin, which this clears.
  Scalar* Begin(int64_t sequence) {
    Scalar* first = values_ + sequence * tensor_.size(3) * channels_;
    Scalar* inner = first + margin_.left * channels_;
    Scalar* end = inner + length_ * channels_;
    std::fill(first, inner, Scalar(0));
    std::fill_n(end, margin_.right * channels_, Scalar(0));
    return inner;
  }
  const torch::Tensor& tensor() const { return tensor_; }

 private:
  int64_t length_;
  Margin margin_;
  int64_t channels_;
  torch::Tensor tensor_;
  Scalar* values_;
};

// The gradient of a padded result.
template <typename Scalar>
class PaddedGradient {
 public:
  PaddedGradient(const torch::Tensor& gradient, int64_t left)
      : tensor_(gradient.permute({0, 2, 3, 1}).contiguous()),
        offset_(left * tensor_.size(3)),
        values_(tensor_.template const_data_ptr<Scalar>()) {}

  const Scalar* Begin(int64_t sequence) const {
    return values_ + sequence * tensor_.size(2) * tensor_.size(3) + offset_;
  }

 private:
  torch::Tensor tensor_;
  int64_t offset_;
  const Scalar* values_;
};

// Calls work, which fills floats, [2, channels], for parts of a sequence, and
// adds up what it fills.
template <typename Work>
Sums SumParts(int64_t length, int64_t channels, const Work& work) {
  Sums sums(2 * channels, 0);
  std::vector<float> part(2 * channels);
  const int64_t rows = PartRows(channels);
  for (int64_t row = 0; row < length; row += rows) {
    work(row, std::min(rows, length - row), part.data());
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += part[i];
  }
  return sums;
}

// What a function's backward pass needs of its forward pass.
template <typename Scalar>
struct Saved {
  static void Save(Context* context, const Normalization& norm, Margin margin,
                   Tensors tensors) {
    context->saved_data["by_batch"] = norm.by_batch;
    context->saved_data["left"] = margin.left;
    context->save_for_backward(std::move(tensors));
  }

  Saved(Context* context, const torch::Tensor& result_gradient)
      : tensors(context->get_saved_variables()),
        by_batch(context->saved_data["by_batch"].toBool()),
        shape(tensors[0]),
        statistics{tensors[3], tensors[4]},
        scales(statistics, tensors[1], tensors[2]),
        gradient(result_gradient, context->saved_data["left"].toInt()) {}

  const torch::Tensor& x() const { return tensors[0]; }
  ParameterGradients Parameters(const std::vector<Sums>& sequences) const {
    return ParameterGradients(sequences, statistics, scales.scale(),
                              shape.rows(), by_batch);
  }

  Tensors tensors;  // x, weight, bias, mean, inverse; what else was saved
  bool by_batch;
  Shape shape;
  Statistics statistics;
  ScaleValues scales;
  PaddedGradient<Scalar> gradient;
};

template <typename Scalar, Activation kActivation>
struct NormActivateFunction
    : torch::autograd::Function<NormActivateFunction<Scalar, kActivation>> {
  static torch::Tensor forward(Context* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias,
                               const Normalization& norm, Margin margin) {
    const Shape shape(x);
    const Statistics statistics = Measure<Scalar>(x, norm);
    const ScaleValues scales(statistics, weight, bias);
    const auto* values = x.const_data_ptr<Scalar>();
    PaddedResult<Scalar> result(x, shape.length, margin);
    ForSequences(shape.batch, [&](int64_t i) {
      const Scalar* input = values + i * shape.sequence();
      Scalar* output = result.Begin(i);
      Vectorized([&](auto vectors) DFSWEEP_LOOP {
        NormActivateRows<decltype(vectors), kActivation>(
            input, scales.get(), shape.length, shape.channels, output);
      });
    });
    Saved<Scalar>::Save(context, norm, margin,
                        {x, weight, bias, statistics.mean, statistics.inverse});
    return result.tensor();
  }

  static Tensors backward(Context* context, const Tensors& gradients) {
    const Saved<Scalar> saved(context, gradients[0]);
    const Shape& shape = saved.shape;
    const auto* values = saved.x().template const_data_ptr<Scalar>();
    std::vector<Sums> sums(shape.batch);
    ForSequences(shape.batch, [&](int64_t i) {
      const Scalar* input = values + i * shape.sequence();
      const Scalar* slopes = saved.gradient.Begin(i);
      sums[i] =
          SumParts(shape.length, shape.channels,
                   [&](int64_t row, int64_t rows, float* part) {
                     const int64_t at = row * shape.channels;
                     Vectorized([&](auto vectors) DFSWEEP_LOOP {
                       SumGradients<decltype(vectors), kActivation>(
                           slopes + at, input + at, saved.scales.get(), rows,
                           shape.channels, part, part + shape.channels);
                     });
                   });
    });
    const ParameterGradients parameters = saved.Parameters(sums);
    torch::Tensor result = at::empty_like(saved.x());
    auto* results = result.mutable_data_ptr<Scalar>();
    ForSequences(shape.batch, [&](int64_t i) {
      const int64_t at = i * shape.sequence();
      const Scalar* slopes = saved.gradient.Begin(i);
      Vectorized([&](auto vectors) DFSWEEP_LOOP {
        InputGradients<decltype(vectors), kActivation>(
            slopes, values + at, saved.scales.get(), parameters.input(),
            shape.length, shape.channels, results + at);
      });
    });
    return {result, parameters.weight, parameters.bias, {}, {}};
  }
};

template <typename Scalar, Activation kActivation>
struct NormPoolActivateFunction
    : torch::autograd::Function<NormPoolActivateFunction<Scalar, kActivation>> {
  static torch::Tensor forward(Context* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias,
                               const Normalization& norm,
                               const DropoutMask& mask, Margin margin) {
    const Shape shape(x);
    const Pooling pooling(shape.length);
    const int64_t pooled = pooling.length * shape.channels;
    const Statistics statistics = Measure<Scalar>(x, norm);
    const ScaleValues scales(statistics, weight, bias);
    const auto* values = x.const_data_ptr<Scalar>();
    PaddedResult<Scalar> result(x, pooling.length, margin);
    // Of each maximum: its input, and its place in its window.
    torch::Tensor best = at::empty({shape.batch, pooled}, x.options());
    torch::Tensor place = at::empty({shape.batch, pooled}, at::kByte);
    auto* bests = best.mutable_data_ptr<Scalar>();
    auto* places = place.mutable_data_ptr<uint8_t>();
    ForSequences(shape.batch, [&](int64_t i) {
      std::vector<float> keep(pooled);
      mask.Fill(i * pooled, pooled, keep.data());
      const PoolPass<Scalar> pass{.x = values + i * shape.sequence(),
                                  .scales = scales.get(),
                                  .length = shape.length,
                                  .channels = shape.channels,
                                  .pooling = pooling,
                                  .keep = keep.data(),
                                  .y = result.Begin(i),
                                  .best = bests + i * pooled,
                                  .place = places + i * pooled};
      Vectorized([&](auto vectors) DFSWEEP_LOOP {
        PoolSequence<decltype(vectors), kActivation>(pass);
      });
    });
    context->saved_data["kept"] = static_cast<double>(mask.kept());
    Saved<Scalar>::Save(
        context, norm, margin,
        {x, weight, bias, statistics.mean, statistics.inverse, best, place});
    return result.tensor();
  }

  static Tensors backward(Context* context, const Tensors& gradients) {
    const Saved<Scalar> saved(context, gradients[0]);
    const Shape& shape = saved.shape;
    const Pooling pooling(shape.length);
    const int64_t pooled = pooling.length * shape.channels;
    const auto kept =
        static_cast<float>(context->saved_data["kept"].toDouble());
    const auto* bests = saved.tensors[5].template const_data_ptr<Scalar>();
    const auto* places = saved.tensors[6].template const_data_ptr<uint8_t>();
    // The gradients of a sequence's normalized maxima, and their sums.
    auto unpool = [&](int64_t i, float* maxima) {
      const Scalar* slopes = saved.gradient.Begin(i);
      return SumParts(pooling.length, shape.channels,
                      [&](int64_t row, int64_t rows, float* part) {
                        const int64_t at = row * shape.channels;
                        Vectorized([&](auto vectors) DFSWEEP_LOOP {
                          PooledGradients<decltype(vectors), kActivation>(
                              slopes + at, bests + i * pooled + at,
                              places + i * pooled + at, saved.scales.get(),
                              kept, rows, shape.channels, maxima + at, part,
                              part + shape.channels);
                        });
                      });
    };
    std::vector<Sums> sums(shape.batch);
    torch::Tensor maxima = at::empty({shape.batch, pooled}, at::kFloat);
    auto* all = maxima.mutable_data_ptr<float>();
    ForSequences(shape.batch,
                 [&](int64_t i) { sums[i] = unpool(i, all + i * pooled); });
    const ParameterGradients parameters = saved.Parameters(sums);
    torch::Tensor result = at::empty_like(saved.x());
    const auto* values = saved.x().template const_data_ptr<Scalar>();
    auto* results = result.mutable_data_ptr<Scalar>();
    ForSequences(shape.batch, [&](int64_t i) {
      const int64_t at = i * shape.sequence();
      const UnpoolPass<Scalar> pass{.slopes = all + i * pooled,
                                    .place = places + i * pooled,
                                    .x = values + at,
                                    .scales = saved.scales.get(),
                                    .input = parameters.input(),
                                    .length = shape.length,
                                    .channels = shape.channels,
                                    .pooling = pooling,
                                    .result = results + at};
      Vectorized([&](auto vectors)
                     DFSWEEP_LOOP { UnpoolSequence<decltype(vectors)>(pass); });
    });
    return {result, parameters.weight, parameters.bias, {}, {}, {}};
  }
};

// Calls `call` with the type of x and the activation as arguments to a
// template.
template <typename Call>
torch::Tensor Dispatch(const torch::Tensor& x, Activation activation,
                       const Call& call) {
  using Bfloat = c10::BFloat16;
  const bool elu = activation == Activation::kElu;
  if (x.scalar_type() == at::kBFloat16) {
    return elu ? call.template operator()<Bfloat, Activation::kElu>()
               : call.template operator()<Bfloat, Activation::kRelu>();
  }
  return elu ? call.template operator()<float, Activation::kElu>()
             : call.template operator()<float, Activation::kRelu>();
}

}  // namespace

bool CanFuseNorm(c10::Device device, at::ScalarType type) {
  return (device.is_cpu() || gpu::HasKernels()) &&
         (type == at::kFloat || type == at::kBFloat16);
}

DropoutMask NextMask(const Following& following, const torch::Tensor& x) {
  if (following.masks == nullptr) return DropoutMask();
  return following.masks->Next(
      x.size(0) * x.size(1) * Pooling(x.size(3)).length, following.rate);
}

torch::Tensor NormActivate(const torch::Tensor& x, const Normalization& norm,
                           const Following& following) {
  if (x.is_cuda()) return gpu::NormActivate(x, norm, following);
  const torch::Tensor rows = x.contiguous(at::MemoryFormat::ChannelsLast);
  if (!following.pools) {
    return Dispatch(x, following.activation,
                    [&]<typename Scalar, Activation kActivation>() {
                      return NormActivateFunction<Scalar, kActivation>::apply(
                          rows, norm.weight, norm.bias, norm, following.margin);
                    });
  }
  const DropoutMask mask = NextMask(following, x);
  return Dispatch(
      x, following.activation, [&]<typename Scalar, Activation kActivation>() {
        return NormPoolActivateFunction<Scalar, kActivation>::apply(
            rows, norm.weight, norm.bias, norm, mask, following.margin);
      });
}

}  // namespace dfsweep::model
