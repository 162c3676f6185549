#include "model/net/gpu/norm.h"

#include <c10/util/Exception.h>

#include "model/net/gpu/kernels.h"
#include "model/net/pool.h"

namespace dfsweep::model::gpu {
namespace {

static_assert(kWindow == Pooling::kWindow && kStride == Pooling::kStride);

torch::Tensor NewParts(const Sequences& x, int64_t kinds, int64_t blocks) {
  return at::empty({kinds, x.channels(), blocks},
                   x.values.options().dtype(at::kDouble));
}

torch::Tensor NewVectors(const Sequences& x, int64_t count) {
  return at::empty({count, x.channels()}, x.values.options().dtype(at::kFloat));
}

torch::Tensor ByBatch(const Sequences& x, const torch::Tensor& shift,
                      const Normalization& norm) {
  const int64_t blocks = Grid(x.channels(), x.type()).ForSums(x.rows());
  const torch::Tensor parts = NewParts(x, 2, blocks);
  Kernel("SumMoments", x.type())
      .Launch(blocks, Data<void>(x.values), x.layout, ToWord(x.rows()),
              ToWord(x.channels()), Data<double>(parts));
  torch::Tensor statistics = NewVectors(x, 3);
  Kernel("FinishMoments", x.type())
      .Launch(x.channels(), Data<double>(parts), ToWord(blocks),
              Data<void>(x.values), x.layout, static_cast<double>(x.rows()),
              shift.defined() ? Data<float>(shift) : nullptr,
              Data<float>(norm.weight), norm.new_share, norm.epsilon,
              Data<float>(norm.running_mean),
              Data<float>(norm.running_variance), Data<float>(statistics[0]),
              Data<float>(statistics[1]), Data<float>(statistics[2]));
  return statistics;
}

torch::Tensor ByRunningStatistics(const torch::Tensor& shift,
                                  const Normalization& norm) {
  const torch::Tensor mean =
      shift.defined() ? norm.running_mean - shift : norm.running_mean;
  const torch::Tensor inverse = (norm.running_variance + norm.epsilon).rsqrt();
  return at::stack({mean, inverse, norm.weight * inverse});
}

Word WindowsBegin(const Sequences& x) {
  return ToWord(Pooling(x.length()).left);
}

}  // namespace

Mask MaskOf(const DropoutMask& mask) {
  const torch::Tensor& stream = mask.stream_on_device();
  TORCH_CHECK(stream.defined() || mask.threshold() == 0,
              "a mask of dropout for a GPU was made for a CPU");
  return {.stream = stream.defined() ? Data<Word>(stream) : nullptr,
          .first_block = mask.first_block(),
          .threshold = mask.threshold(),
          .kept = mask.kept()};
}

Scales Normalized::scales() const {
  const auto* mean = Data<float>(statistics);
  return {mean, mean + 2 * statistics.size(1), Data<float>(bias)};
}

InputSlopes NormGradient::slopes() const {
  return {Data<float>(vectors[3]), Data<float>(vectors[4])};
}

Normalized Normalize(const Sequences& x, const torch::Tensor& shift,
                     const Normalization& norm, const Following& following) {
  return {.x = x,
          .following = following,
          .mask = NextMask(following, x.View()),
          .by_batch = norm.by_batch,
          .bias = norm.bias.detach(),
          .statistics = norm.by_batch ? ByBatch(x, shift, norm)
                                      : ByRunningStatistics(shift, norm)};
}

torch::Tensor Activated(Normalized& normalized) {
  const Sequences& x = normalized.x;
  const Following& following = normalized.following;
  const bool elu = following.activation == Activation::kElu;
  const auto [left, right] = following.margin;
  const int64_t length =
      following.pools ? Pooling(x.length()).length : x.length();
  torch::Tensor y =
      at::empty({x.batch, x.channels(), 1, left + length + right},
                x.values.options(), at::MemoryFormat::ChannelsLast);
  const Layout layout = {ToWord(length), ToWord(left), ToWord(y.size(3))};
  const int64_t blocks =
      Grid(x.channels(), x.type()).ForRows(x.batch * y.size(3));
  if (!following.pools) {
    Kernel("NormActivate", x.type())
        .Launch(blocks, Data<void>(x.values), x.layout, ToWord(x.batch),
                ToWord(x.channels()), normalized.scales(), elu, Data<void>(y),
                layout);
    return y;
  }
  normalized.best =
      at::empty({x.batch * length, x.channels()}, x.values.options());
  normalized.place = at::empty_like(normalized.best,
                                    normalized.best.options().dtype(at::kByte));
  Kernel("NormPoolActivate", x.type())
      .Launch(blocks, Data<void>(x.values), x.layout, ToWord(x.batch),
              ToWord(x.channels()), WindowsBegin(x), normalized.scales(), elu,
              MaskOf(normalized.mask), Data<void>(y), layout,
              Data<void>(normalized.best), Data<Byte>(normalized.place));
  return y;
}

NormGradient BackwardOfNorm(const Normalized& normalized,
                            const torch::Tensor& gradient) {
  const Sequences& x = normalized.x;
  const Following& following = normalized.following;
  const bool elu = following.activation == Activation::kElu;
  NormGradient result{.gradient = Sequences::Of(gradient)};
  Sequences& of_y = result.gradient;
  const int64_t length =
      following.pools ? Pooling(x.length()).length : x.length();
  of_y.layout.left = ToWord(following.margin.left);
  of_y.layout.length = ToWord(length);
  const torch::Tensor parts =
      NewParts(x, 2, Grid(x.channels(), x.type()).ForSums(x.batch * length));
  const int64_t blocks = parts.size(2);
  if (following.pools) {
    result.maxima = at::empty_like(normalized.best,
                                   normalized.best.options().dtype(at::kFloat));
    Kernel("SumPooledGradients", x.type())
        .Launch(blocks, Data<void>(normalized.best),
                Data<Byte>(normalized.place), Data<void>(of_y.values),
                of_y.layout, ToWord(of_y.rows()), ToWord(x.channels()),
                normalized.scales(), elu, normalized.mask.kept(),
                Data<float>(result.maxima), Data<double>(parts));
  } else {
    Kernel("SumGradients", x.type())
        .Launch(blocks, Data<void>(x.values), x.layout, Data<void>(of_y.values),
                of_y.layout, ToWord(x.rows()), ToWord(x.channels()),
                normalized.scales(), elu, Data<double>(parts));
  }
  result.vectors = NewVectors(x, 5);
  auto vector = [&](int64_t i) { return Data<float>(result.vectors[i]); };
  Kernel("FinishGradients", x.type())
      .Launch(x.channels(), Data<double>(parts), ToWord(blocks),
              static_cast<double>(x.rows()), normalized.by_batch,
              Data<float>(normalized.statistics[1]),
              Data<float>(normalized.statistics[2]), vector(0), vector(1),
              vector(2), vector(3), vector(4));
  return result;
}

Sequences InputGradient(const Normalized& normalized,
                        const NormGradient& gradient, int64_t before) {
  const Sequences& x = normalized.x;
  const Following& following = normalized.following;
  const Layout layout = {x.layout.length, ToWord(before),
                         ToWord(before + x.length())};
  const int64_t rows = x.batch * layout.whole + before;
  Sequences result{at::empty({rows, x.channels()}, x.values.options()), x.batch,
                   layout};
  const int64_t blocks = Grid(x.channels(), x.type()).ForRows(rows);
  if (following.pools) {
    Kernel("UnpoolGradients", x.type())
        .Launch(blocks, Data<void>(x.values), x.layout,
                Data<float>(gradient.maxima), Data<Byte>(normalized.place),
                gradient.gradient.layout.length, WindowsBegin(x),
                ToWord(x.batch), ToWord(x.channels()), normalized.scales(),
                gradient.slopes(), Data<void>(result.values), layout,
                ToWord(before));
  } else {
    Kernel("InputGradients", x.type())
        .Launch(blocks, Data<void>(x.values), x.layout,
                Data<void>(gradient.gradient.values), gradient.gradient.layout,
                ToWord(x.batch), ToWord(x.channels()), normalized.scales(),
                following.activation == Activation::kElu, gradient.slopes(),
                Data<void>(result.values), layout, ToWord(before));
  }
  return result;
}

}  // namespace dfsweep::model::gpu
