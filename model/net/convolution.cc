#include "model/net/convolution.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "model/net/convolution_loops.h"
#include "model/net/parallel.h"

namespace dfsweep::model {
namespace {

// x has so many rows before that of its first result.
constexpr int64_t kLeft = kKernel / 2 - 1;

// Multiples of what a tile has with every instruction set.
constexpr int64_t kBlockGroups = 6;
constexpr int64_t kBlockChannels = 32;

// ---- Groups of rows ---------------------------------------------------------

// Images as [batch, rows, channels], of which `first` is the row that belongs
// to row 0 of a group. Rows beyond a sequence are zeros.
template <typename Value>
struct Sequences {
  Value* values;
  int64_t rows, channels, first;

  Value* Row(int64_t sequence, int64_t row) const {
    return values + (sequence * rows + row + first) * channels;
  }
  bool Has(int64_t row) const { return row + first >= 0 && row + first < rows; }
};

template <typename Scalar>
Sequences<const Scalar> RowsOf(const torch::Tensor& images, int64_t first) {
  return {images.const_data_ptr<Scalar>(), images.size(3), images.size(1),
          first};
}

// The groups of all sequences, one after the other.
struct Groups {
  int64_t batch, length;  // rows of a sequence, in groups of kGroup
  int64_t of_sequence() const { return (length + kGroup - 1) / kGroup; }
  int64_t count() const { return batch * of_sequence(); }
  int64_t Sequence(int64_t group) const { return group / of_sequence(); }
  int64_t FirstRow(int64_t group) const {
    return group % of_sequence() * kGroup;
  }
};

// Finds the rows of a group. Not to be shared by threads.
template <typename Scalar>
class GroupReader {
 public:
  GroupReader(const Groups& groups, const Sequences<const Scalar>& from)
      : groups_(groups), from_(from), padded_(kGroupInputs * from.channels) {}

  // The `count` rows from the group's first on, until the next call.
  const Scalar* Read(int64_t group, int64_t count) {
    const int64_t sequence = groups_.Sequence(group);
    const int64_t first = groups_.FirstRow(group);
    if (from_.Has(first) && from_.Has(first + count - 1)) {
      return from_.Row(sequence, first);
    }
    for (int64_t i = 0; i < count; ++i) {
      Scalar* row = padded_.data() + i * from_.channels;
      if (from_.Has(first + i)) {
        std::copy_n(from_.Row(sequence, first + i), from_.channels, row);
      } else {
        std::fill_n(row, from_.channels, Scalar(0));
      }
    }
    return padded_.data();
  }

 private:
  Groups groups_;
  Sequences<const Scalar> from_;
  std::vector<Scalar> padded_;
};

// ---- Results ----------------------------------------------------------------

// [outputs / kTileChannels] times what FillProductKernels fills.
template <typename Scalar>
torch::Tensor ProductKernels(const Kernel& kernel) {
  torch::Tensor result =
      at::empty({kernel.outputs, kProducts, kPlaces, kernel.inputs},
                c10::CppTypeToScalarType<Scalar>::value);
  auto* results = result.mutable_data_ptr<Scalar>();
  ParallelFor(kernel.outputs / kBlockChannels, [&](int64_t begin, int64_t end) {
    Vectorized([&](auto vectors) DFSWEEP_LOOP {
      using V = decltype(vectors);
      for (int64_t output = begin * kBlockChannels;
           output < end * kBlockChannels; output += kTileChannels<V>) {
        FillProductKernels<V>(
            kernel, output,
            results + output * kProducts * kPlaces * kernel.inputs);
      }
    });
  });
  return result;
}

template <typename Scalar>
struct Convolver {
  Groups groups;
  Sequences<const Scalar> x;
  const Scalar* kernels;  // of ProductKernels
  const float* bias;      // [y.channels]
  Sequences<Scalar> y;

  // Computes the groups of blocks [begin, end).
  template <typename V, int64_t kInputs>
  DFSWEEP_INLINE void Run(int64_t begin, int64_t end) const {
    GroupReader<Scalar> reader(groups, x);
    std::vector<Scalar> differences(kBlockGroups * kDifferences * kInputs);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kBlockGroups;
      const int64_t last = std::min(first + kBlockGroups, groups.count());
      // Those beyond the last have no rows.
      GroupTarget<Scalar> targets[kBlockGroups];
      for (int64_t group = first; group < last; ++group) {
        FillDifferences<V>(
            reader.Read(group, kGroupInputs), kInputs,
            differences.data() + (group - first) * kDifferences * kInputs);
        const int64_t row = groups.FirstRow(group);
        targets[group - first] = {y.Row(groups.Sequence(group), row),
                                  std::min(kGroup, groups.length - row)};
      }
      for (int64_t o = 0; o < y.channels; o += kTileChannels<V>) {
        for (int64_t i = 0; i < kBlockGroups; i += kTileGroups<V>) {
          ConvolveTile<V, kInputs>(
              differences.data() + i * kDifferences * kInputs,
              kernels + o * kProducts * kPlaces * kInputs, bias, targets + i,
              y.channels, o);
        }
      }
    }
  }
};

// `length` results of each sequence of x, from its row `first` on; `bias` is
// [outputs], float32. They go into y, from its row `target` on.
template <typename Scalar, int64_t kInputs>
void Convolve(const torch::Tensor& x, int64_t first, int64_t length,
              const Kernel& kernel, const torch::Tensor& bias, torch::Tensor& y,
              int64_t target) {
  const torch::Tensor kernels = ProductKernels<Scalar>(kernel);
  const Groups groups{x.size(0), length};
  const Convolver<Scalar> convolver{
      .groups = groups,
      .x = RowsOf<Scalar>(x, first),
      .kernels = kernels.const_data_ptr<Scalar>(),
      .bias = bias.const_data_ptr<float>(),
      .y = {y.mutable_data_ptr<Scalar>(), y.size(3), y.size(1), target}};
  const int64_t blocks = (groups.count() + kBlockGroups - 1) / kBlockGroups;
  ParallelFor(blocks, [&](int64_t begin, int64_t end) {
    Vectorized([&](auto vectors) DFSWEEP_LOOP {
      convolver.template Run<decltype(vectors), kInputs>(begin, end);
    });
  });
}

using ConvolveFunction = decltype(&Convolve<float, 32>);

template <typename Scalar>
ConvolveFunction ConvolveFor(int64_t inputs) {
  switch (inputs) {
    case 32:
      return Convolve<Scalar, 32>;
    case 64:
      return Convolve<Scalar, 64>;
    case 128:
      return Convolve<Scalar, 128>;
    case 256:
      return Convolve<Scalar, 256>;
    default:
      return nullptr;
  }
}

// Convolve of x with as many inputs, or null.
ConvolveFunction ConvolveOf(at::ScalarType type, int64_t inputs) {
  return type == at::kFloat ? ConvolveFor<float>(inputs)
                            : ConvolveFor<c10::BFloat16>(inputs);
}

// ---- The gradient of weights ------------------------------------------------

// Groups whose products are summed in one piece.
constexpr int64_t kPieceGroups = 64;

// Adds up `sums`, [kProducts, kPlaces, outputs, inputs].
template <typename Scalar>
struct WeightSummer {
  Groups groups;
  Sequences<const Scalar> x, gradient;
  float* sums;

  // Of tasks [begin, end): a place of a product and kBlockChannels inputs each,
  // these going first.
  template <typename V>
  DFSWEEP_INLINE void Run(int64_t begin, int64_t end) const {
    const int64_t inputs = x.channels, outputs = gradient.channels;
    const int64_t tasks = kPlaces * inputs / kBlockChannels;  // of a product
    Piece piece(*this);
    for (int64_t first = 0; first < groups.count(); first += kPieceGroups) {
      const int64_t last = std::min(first + kPieceGroups, groups.count());
      for (int64_t task = begin; task < end; ++task) {
        const int64_t product = task / tasks;
        if (task == begin || task % tasks == 0) {
          piece.template Fill<V>(product, first, last);
        }
        const int64_t place = task % tasks * kBlockChannels / inputs;
        const int64_t input = task * kBlockChannels % inputs;
        const Scalar* differences =
            piece.differences.data() +
            kFactorWidth<Scalar> * (place * inputs + input);
        float* target =
            sums + (product * kPlaces + place) * outputs * inputs + input;
        for (int64_t i = 0; i < kBlockChannels; i += kTileChannels<V>) {
          AddWeightTiles<V>(piece.gradients.data(), outputs,
                            differences + kFactorWidth<Scalar> * i, inputs,
                            last - first, target + i);
        }
      }
    }
  }

 private:
  // What a product multiplies of some groups.
  struct Piece {
    static constexpr int64_t kRowsOfX = FactorRows<Scalar>(kPlaces);
    static constexpr int64_t kRowsOfGradient = FactorRows<Scalar>(1);

    GroupReader<Scalar> x, gradient;
    int64_t inputs, outputs;
    std::vector<Scalar> differences;  // [groups, kRowsOfX, inputs]
    std::vector<Scalar> gradients;    // [groups, kRowsOfGradient, outputs]

    explicit Piece(const WeightSummer& of)
        : x(of.groups, of.x),
          gradient(of.groups, of.gradient),
          inputs(of.x.channels),
          outputs(of.gradient.channels),
          differences(kPieceGroups * kRowsOfX * inputs),
          gradients(kPieceGroups * kRowsOfGradient * outputs) {}

    template <typename V>
    DFSWEEP_INLINE void Fill(int64_t product, int64_t first, int64_t last) {
      ForKindOf(product, [&]<bool kFirstPart, bool kShared>() DFSWEEP_LOOP {
        for (int64_t group = first; group < last; ++group) {
          const int64_t i = group - first;
          FillFactors<V, !kFirstPart, !kShared>(
              x.Read(group, kGroupInputs) + kFirstInput[product] * inputs,
              inputs, -1, kPlaces, differences.data() + i * kRowsOfX * inputs);
          FillFactors<V, kFirstPart, kShared>(
              gradient.Read(group, kGroup) + kFirstResult[product] * outputs,
              outputs, 1, 1, gradients.data() + i * kRowsOfGradient * outputs);
        }
      });
    }
  };
};

// From the sums of the products, the adjoint of FillProductKernels:
// [8, outputs, inputs].
torch::Tensor GradientOfKernel(const torch::Tensor& sums) {
  // [parts, which, …], [places, …]
  const torch::Tensor products =
      sums.view({3, 3, kPlaces, sums.size(1), sums.size(2)});
  auto both = [](const torch::Tensor& shared, const torch::Tensor& early,
                 const torch::Tensor& late, int64_t places) {
    return at::cat({shared + early, shared - late}, places);
  };
  const torch::Tensor parts = both(products.select(1, 0), products.select(1, 1),
                                   products.select(1, 2), 1);
  return both(parts[0], parts[1], parts[2], 0);
}

// The gradient of the kernel, [8, outputs, inputs], from that of the results.
template <typename Scalar>
torch::Tensor SumWeights(const torch::Tensor& x,
                         const torch::Tensor& gradient) {
  const int64_t inputs = x.size(1), outputs = gradient.size(1);
  const Groups groups{gradient.size(0), gradient.size(3)};
  torch::Tensor sums = at::zeros({kProducts * kPlaces, outputs, inputs});
  const WeightSummer<Scalar> summer{groups, RowsOf<Scalar>(x, 0),
                                    RowsOf<Scalar>(gradient, 0),
                                    sums.mutable_data_ptr<float>()};
  ParallelFor(kProducts * kPlaces * inputs / kBlockChannels,
              [&](int64_t begin, int64_t end) {
                Vectorized([&](auto vectors) DFSWEEP_LOOP {
                  summer.template Run<decltype(vectors)>(begin, end);
                });
              });
  return GradientOfKernel(sums);
}

// ---- The function -----------------------------------------------------------

using Context = torch::autograd::AutogradContext;

torch::Tensor EmptyImages(const torch::Tensor& like, int64_t channels,
                          int64_t length) {
  return at::empty({like.size(0), channels, 1, length}, like.options(),
                   at::MemoryFormat::ChannelsLast);
}

torch::Tensor GradientOfInput(const torch::Tensor& gradient,
                              const torch::Tensor& weight) {
  const int64_t outputs = weight.size(0), inputs = weight.size(1);
  const int64_t length = gradient.size(3);
  torch::Tensor result = EmptyImages(gradient, inputs, length + kKernel - 1);
  result.narrow(3, 0, kLeft).zero_();
  result.narrow(3, kLeft + length, kKernel - 1 - kLeft).zero_();
  const torch::Tensor by_output =  // [outputs, kKernel, inputs] in memory
      weight.contiguous(at::MemoryFormat::ChannelsLast);
  const Kernel turned{
      .values = by_output.const_data_ptr<float>() + (kKernel - 1) * inputs,
      .inputs = outputs,
      .outputs = inputs,
      .to_next_place = -inputs,
      .to_next_input = kKernel * inputs};
  ConvolveOf(gradient.scalar_type(), outputs)(
      gradient, kLeft - (kKernel - 1), length, turned, at::zeros({inputs}),
      result, kLeft);
  return result;
}

struct ConvolutionFunction : torch::autograd::Function<ConvolutionFunction> {
  static torch::Tensor forward(Context* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias) {
    context->save_for_backward({x, weight});
    const int64_t outputs = weight.size(0), inputs = weight.size(1);
    const int64_t length = x.size(3) - (kKernel - 1);
    torch::Tensor y = EmptyImages(x, outputs, length);
    const torch::Tensor by_place =  // [kKernel, inputs, outputs]
        weight.squeeze(2).permute({2, 1, 0}).contiguous();
    const Kernel kernel{.values = by_place.const_data_ptr<float>(),
                        .inputs = inputs,
                        .outputs = outputs,
                        .to_next_place = inputs * outputs,
                        .to_next_input = outputs};
    ConvolveOf(x.scalar_type(), inputs)(x, 0, length, kernel, bias, y, 0);
    return y;
  }

  static torch::autograd::variable_list backward(
      Context* context, const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& x = saved[0];
    const torch::Tensor& weight = saved[1];
    const torch::Tensor gradient =
        gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    torch::Tensor of_x;
    if (context->needs_input_grad(0)) of_x = GradientOfInput(gradient, weight);
    const torch::Tensor of_kernel =
        x.scalar_type() == at::kFloat ? SumWeights<float>(x, gradient)
                                      : SumWeights<c10::BFloat16>(x, gradient);
    return {of_x,
            of_kernel.permute({1, 2, 0}).unsqueeze(2).contiguous(
                at::MemoryFormat::ChannelsLast),
            gradient.sum({0, 2, 3}, /*keepdim=*/false, at::kFloat)};
  }
};

// Of bfloat16, LibTorch's with AMX multiplies many times as fast as we could.
bool IsOurs(const torch::Tensor& x, const torch::Tensor& weight) {
  const at::ScalarType type = x.scalar_type();
  return (type == at::kFloat || (type == at::kBFloat16 && !HasAmx())) &&
         weight.scalar_type() == at::kFloat && weight.size(3) == kKernel &&
         ConvolveOf(type, weight.size(0)) != nullptr &&
         ConvolveOf(type, weight.size(1)) != nullptr;
}

}  // namespace

torch::Tensor Convolution(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias) {
  if (!IsOurs(x, weight)) {
    const at::ScalarType type = x.scalar_type();
    return at::conv2d(x, weight.to(type), bias.to(type));
  }
  return ConvolutionFunction::apply(
      x.contiguous(at::MemoryFormat::ChannelsLast), weight, bias);
}

}  // namespace dfsweep::model
