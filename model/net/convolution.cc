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

Sequences<const float> RowsOf(const torch::Tensor& images, int64_t first) {
  return {images.const_data_ptr<float>(), images.size(3), images.size(1),
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
class GroupReader {
 public:
  GroupReader(const Groups& groups, const Sequences<const float>& from)
      : groups_(groups), from_(from), padded_(kGroupInputs * from.channels) {}

  // The `count` rows from the group's first on, until the next call.
  const float* Read(int64_t group, int64_t count) {
    const int64_t sequence = groups_.Sequence(group);
    const int64_t first = groups_.FirstRow(group);
    if (from_.Has(first) && from_.Has(first + count - 1)) {
      return from_.Row(sequence, first);
    }
    for (int64_t i = 0; i < count; ++i) {
      float* row = padded_.data() + i * from_.channels;
      if (from_.Has(first + i)) {
        std::copy_n(from_.Row(sequence, first + i), from_.channels, row);
      } else {
        std::fill_n(row, from_.channels, 0.0f);
      }
    }
    return padded_.data();
  }

 private:
  Groups groups_;
  Sequences<const float> from_;
  std::vector<float> padded_;
};

// ---- Results ----------------------------------------------------------------

// Multiples of what a tile has with every instruction set.
constexpr int64_t kBlockGroups = 6;
constexpr int64_t kBlockOutputs = 32;

// Of `kernel`, [8, inputs, outputs], those of the products:
// [outputs / kTileOutputs, kProducts, kPlaces, inputs, kTileOutputs].
torch::Tensor ProductKernels(const torch::Tensor& kernel) {
  const int64_t inputs = kernel.size(1), outputs = kernel.size(2);
  torch::Tensor result = at::empty({outputs, kProducts, kPlaces, inputs});
  const auto* values = kernel.const_data_ptr<float>();
  auto* results = result.mutable_data_ptr<float>();
  ParallelFor(outputs / kBlockOutputs, [&](int64_t begin, int64_t end) {
    Vectorized([&](auto vectors) DFSWEEP_LOOP {
      using V = decltype(vectors);
      for (int64_t output = begin * kBlockOutputs; output < end * kBlockOutputs;
           output += kTileOutputs<V>) {
        FillProductKernels<V>(values, inputs, outputs, output,
                              results + output * kProducts * kPlaces * inputs);
      }
    });
  });
  return result;
}

struct Convolver {
  Groups groups;
  Sequences<const float> x;
  const float *kernels, *bias;  // of ProductKernels; [y.channels]
  Sequences<float> y;

  // Computes the groups of blocks [begin, end).
  template <typename V, int64_t kInputs>
  DFSWEEP_INLINE void Run(int64_t begin, int64_t end) const {
    GroupReader reader(groups, x);
    std::vector<float> differences(kBlockGroups * kDifferences * kInputs);
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kBlockGroups;
      const int64_t last = std::min(first + kBlockGroups, groups.count());
      GroupTarget targets[kBlockGroups];  // those beyond the last have no rows
      for (int64_t group = first; group < last; ++group) {
        FillDifferences<V>(
            reader.Read(group, kGroupInputs), kInputs,
            differences.data() + (group - first) * kDifferences * kInputs);
        const int64_t row = groups.FirstRow(group);
        targets[group - first] = {y.Row(groups.Sequence(group), row),
                                  std::min(kGroup, groups.length - row)};
      }
      for (int64_t o = 0; o < y.channels; o += kTileOutputs<V>) {
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

// `length` results of each sequence of x, from its row `first` on; `kernel` is
// [8, inputs, outputs]. They go into y, from its row `target` on.
template <int64_t kInputs>
void Convolve(const torch::Tensor& x, int64_t first, int64_t length,
              const torch::Tensor& kernel, const torch::Tensor& bias,
              torch::Tensor& y, int64_t target) {
  const torch::Tensor kernels = ProductKernels(kernel);
  const Groups groups{x.size(0), length};
  const Convolver convolver{groups, RowsOf(x, first),
                            kernels.const_data_ptr<float>(),
                            bias.const_data_ptr<float>(),
                            Sequences<float>{y.mutable_data_ptr<float>(),
                                             y.size(3), y.size(1), target}};
  const int64_t blocks = (groups.count() + kBlockGroups - 1) / kBlockGroups;
  ParallelFor(blocks, [&](int64_t begin, int64_t end) {
    Vectorized([&](auto vectors) DFSWEEP_LOOP {
      convolver.Run<decltype(vectors), kInputs>(begin, end);
    });
  });
}

// Of a number of channels, what Convolve is for that many.
using ConvolveFunction = decltype(&Convolve<32>);
ConvolveFunction ConvolveOf(int64_t inputs) {
  switch (inputs) {
    case 32:
      return Convolve<32>;
    case 64:
      return Convolve<64>;
    case 128:
      return Convolve<128>;
    case 256:
      return Convolve<256>;
    default:
      return nullptr;
  }
}

// ---- The gradient of weights ------------------------------------------------

// Groups whose products are summed in one piece.
constexpr int64_t kPieceGroups = 64;

// Adds up `sums`, [kProducts, kPlaces, inputs, outputs].
struct WeightSummer {
  Groups groups;
  Sequences<const float> x, gradient;
  float* sums;

  // Of tasks [begin, end): a place of a product and kBlockOutputs outputs each,
  // these going first.
  template <typename V>
  DFSWEEP_INLINE void Run(int64_t begin, int64_t end) const {
    const int64_t inputs = x.channels, outputs = gradient.channels;
    const int64_t tasks = kPlaces * outputs / kBlockOutputs;  // of a product
    Piece piece(*this);
    for (int64_t first = 0; first < groups.count(); first += kPieceGroups) {
      const int64_t last = std::min(first + kPieceGroups, groups.count());
      for (int64_t task = begin; task < end; ++task) {
        const int64_t product = task / tasks;
        if (task == begin || task % tasks == 0) {
          piece.Fill<V>(product, first, last);
        }
        const int64_t place = task % tasks * kBlockOutputs / outputs;
        const int64_t output = task * kBlockOutputs % outputs;
        float* target =
            sums + (product * kPlaces + place) * inputs * outputs + output;
        for (int64_t o = 0; o < kBlockOutputs; o += kTileOutputs<V>) {
          AddWeightTiles<V>(piece.differences.data() + place * inputs, inputs,
                            piece.gradients.data() + output + o, outputs,
                            last - first, target + o);
        }
      }
    }
  }

 private:
  // What a product multiplies of some groups.
  struct Piece {
    GroupReader x, gradient;
    int64_t inputs, outputs;
    std::vector<float> differences;  // [groups, kProductRows, inputs]
    std::vector<float> gradients;    // [groups, kPlaces, outputs]

    explicit Piece(const WeightSummer& of)
        : x(of.groups, of.x),
          gradient(of.groups, of.gradient),
          inputs(of.x.channels),
          outputs(of.gradient.channels),
          differences(kPieceGroups * kProductRows * inputs),
          gradients(kPieceGroups * kPlaces * outputs) {}

    template <typename V>
    DFSWEEP_INLINE void Fill(int64_t product, int64_t first, int64_t last) {
      ForKindOf(product, [&]<bool kFirstPart, bool kShared>() DFSWEEP_LOOP {
        for (int64_t group = first; group < last; ++group) {
          const int64_t i = group - first;
          CombineRows<V, !kFirstPart, !kShared>(
              x.Read(group, kGroupInputs) + kFirstInput[product] * inputs,
              inputs, -1, kProductRows,
              differences.data() + i * kProductRows * inputs);
          CombineRows<V, kFirstPart, kShared>(
              gradient.Read(group, kGroup) + kFirstResult[product] * outputs,
              outputs, 1, kPlaces, gradients.data() + i * kPlaces * outputs);
        }
      });
    }
  };
};

// From the sums of the products, the adjoint of FillProductKernels:
// [8, inputs, outputs].
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

// The gradient of the kernel, [8, inputs, outputs], from that of the results.
torch::Tensor SumWeights(const torch::Tensor& x,
                         const torch::Tensor& gradient) {
  const int64_t inputs = x.size(1), outputs = gradient.size(1);
  const Groups groups{gradient.size(0), gradient.size(3)};
  torch::Tensor sums = at::zeros({kProducts * kPlaces, inputs, outputs});
  const WeightSummer summer{groups, RowsOf(x, 0), RowsOf(gradient, 0),
                            sums.mutable_data_ptr<float>()};
  ParallelFor(kProducts * kPlaces * outputs / kBlockOutputs,
              [&](int64_t begin, int64_t end) {
                Vectorized([&](auto vectors) DFSWEEP_LOOP {
                  summer.Run<decltype(vectors)>(begin, end);
                });
              });
  return GradientOfKernel(sums);
}

// ---- The function -----------------------------------------------------------

using Context = torch::autograd::AutogradContext;

torch::Tensor EmptyImages(int64_t batch, int64_t channels, int64_t length) {
  return at::empty({batch, channels, 1, length}, at::kFloat, c10::nullopt,
                   c10::nullopt, c10::nullopt, at::MemoryFormat::ChannelsLast);
}

torch::Tensor GradientOfInput(const torch::Tensor& gradient,
                              const torch::Tensor& weight) {
  const int64_t inputs = weight.size(1), length = gradient.size(3);
  torch::Tensor result =
      EmptyImages(gradient.size(0), inputs, length + kKernel - 1);
  result.narrow(3, 0, kLeft).zero_();
  result.narrow(3, kLeft + length, kKernel - 1 - kLeft).zero_();
  const torch::Tensor turned =
      weight.flip(3).squeeze(2).permute({2, 0, 1}).contiguous();
  ConvolveOf(weight.size(0))(gradient, kLeft - (kKernel - 1), length, turned,
                             at::zeros({inputs}), result, kLeft);
  return result;
}

struct ConvolutionFunction : torch::autograd::Function<ConvolutionFunction> {
  static torch::Tensor forward(Context* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias) {
    context->save_for_backward({x, weight});
    const int64_t length = x.size(3) - (kKernel - 1);
    torch::Tensor y = EmptyImages(x.size(0), weight.size(0), length);
    const torch::Tensor kernel =
        weight.squeeze(2).permute({2, 1, 0}).contiguous();
    ConvolveOf(x.size(1))(x, 0, length, kernel, bias, y, 0);
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
    return {of_x,
            SumWeights(x, gradient)
                .permute({2, 1, 0})
                .unsqueeze(2)
                .contiguous(at::MemoryFormat::ChannelsLast),
            gradient.sum({0, 2, 3})};
  }
};

bool IsOurs(const torch::Tensor& x, const torch::Tensor& weight) {
  return x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
         weight.size(3) == kKernel && ConvolveOf(weight.size(0)) != nullptr &&
         ConvolveOf(weight.size(1)) != nullptr;
}

}  // namespace

torch::Tensor Convolution(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias) {
  if (!IsOurs(x, weight)) return at::conv2d(x, weight, bias);
  return ConvolutionFunction::apply(
      x.contiguous(at::MemoryFormat::ChannelsLast), weight, bias);
}

}  // namespace dfsweep::model
