#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "model/net/gpu/convolution.h"
#include "model/net/gpu/gpu.h"
#include "model/net/gpu/norm.h"
#include "model/train/precision.h"

namespace dfsweep::model::gpu {
namespace {

using Context = torch::autograd::AutogradContext;
using Tensors = torch::autograd::variable_list;

// What a function's backward pass needs of its forward pass, once.
struct Saved : torch::CustomClassHolder {
  Normalized normalized;
  torch::Tensor x, weight;  // of a convolution, if there is one

  explicit Saved(Normalized of) : normalized(std::move(of)) {}

  static void Save(Context* context, c10::intrusive_ptr<Saved> saved) {
    context->saved_data["saved"] = c10::IValue::make_capsule(std::move(saved));
  }
  // Memory is free again as soon as a function's gradients are computed.
  static c10::intrusive_ptr<Saved> Take(Context* context) {
    auto held = context->saved_data.at("saved").toCapsule();
    context->saved_data.clear();
    return c10::static_intrusive_pointer_cast<Saved>(std::move(held));
  }
};

struct NormFunction : torch::autograd::Function<NormFunction> {
  static torch::Tensor forward(Context* context, const torch::Tensor& x,
                               const torch::Tensor& /*weight*/,
                               const torch::Tensor& /*bias*/,
                               const Normalization& norm,
                               const Following& following) {
    auto saved = c10::make_intrusive<Saved>(
        Normalize(Sequences::Of(x), {}, norm, following));
    torch::Tensor y = Activated(saved->normalized);
    Saved::Save(context, std::move(saved));
    return y;
  }

  static Tensors backward(Context* context, const Tensors& gradients) {
    const auto saved = Saved::Take(context);
    const NormGradient norm = BackwardOfNorm(saved->normalized, gradients[0]);
    return {InputGradient(saved->normalized, norm, 0).View(),
            norm.vectors[0],
            norm.vectors[1],
            {},
            {}};
  }
};

struct ConvolutionNormFunction
    : torch::autograd::Function<ConvolutionNormFunction> {
  enum Input { kX, kWeight, kBias, kNormWeight, kNormBias };

  static torch::Tensor forward(
      Context* context, const torch::Tensor& x, const torch::Tensor& weight,
      const torch::Tensor& bias, const torch::Tensor& /*norm_weight*/,
      const torch::Tensor& /*norm_bias*/, const Normalization& norm,
      const Following& following, at::ScalarType type) {
    const torch::Tensor kernel = x.dim() == 2 ? weight : weight.to(type);
    const Sequences sequences =
        x.dim() == 2 ? ConvolveTraces(x, kernel, type) : Convolve(x, kernel);
    auto saved =
        c10::make_intrusive<Saved>(Normalize(sequences, bias, norm, following));
    torch::Tensor y = Activated(saved->normalized);
    saved->x = x;
    saved->weight = kernel;
    Saved::Save(context, std::move(saved));
    return y;
  }

  static Tensors backward(Context* context, const Tensors& gradients) {
    const auto saved = Saved::Take(context);
    const Normalized& normalized = saved->normalized;
    const NormGradient norm = BackwardOfNorm(normalized, gradients[0]);
    torch::Tensor x, weight;
    if (saved->x.dim() == 2) {
      weight = TracesWeightGradient(saved->x, normalized, norm);
    } else if (context->needs_input_grad(kX) ||
               context->needs_input_grad(kWeight)) {
      const Sequences gradient = InputGradient(normalized, norm, kKernel - 1);
      if (context->needs_input_grad(kX)) {
        x = InputGradient(gradient, saved->weight);
      }
      weight = WeightGradient(saved->x, gradient).to(at::kFloat);
    }
    const torch::Tensor& vectors = norm.vectors;
    return {x, weight, vectors[2], vectors[0], vectors[1], {}, {}, {}};
  }

 private:
  static torch::Tensor TracesWeightGradient(const torch::Tensor& traces,
                                            const Normalized& normalized,
                                            const NormGradient& norm) {
    const Sequences& y = normalized.x;
    const int64_t blocks = Grid(y.channels(), y.type()).ForFloatSums(y.rows());
    const torch::Tensor parts = at::empty({kKernel, y.channels(), blocks},
                                          traces.options().dtype(at::kDouble));
    Kernel("SumThinGradients", y.type())
        .Launch(blocks, Data<float>(traces), Data<void>(y.values),
                Data<void>(norm.gradient.values), norm.gradient.layout,
                ToWord(y.batch), ToWord(y.channels()), normalized.scales(),
                normalized.following.activation == Activation::kElu,
                norm.slopes(), Data<double>(parts));
    return parts.sum(2).to(at::kFloat).t().reshape({-1, 1, 1, kKernel});
  }
};

struct ConvolutionFunction : torch::autograd::Function<ConvolutionFunction> {
  static torch::Tensor forward(Context* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias) {
    context->save_for_backward({x, weight});
    return Convolve(x, weight)
        .View()
        .contiguous(at::MemoryFormat::ChannelsLast)
        .add_(bias.view({1, -1, 1, 1}));
  }

  static Tensors backward(Context* context, const Tensors& gradients) {
    const Tensors saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &gradient = gradients[0];
    const Layout layout = {ToWord(gradient.size(3)), kKernel - 1,
                           ToWord(x.size(3))};
    const Sequences spaced = {
        at::zeros({x.size(0) * x.size(3) + kKernel - 1, gradient.size(1)},
                  gradient.options()),
        x.size(0), layout};
    spaced.View().copy_(gradient);
    return {context->needs_input_grad(0) ? InputGradient(spaced, saved[1])
                                         : torch::Tensor(),
            WeightGradient(x, spaced), gradient.sum({0, 2, 3})};
  }
};

}  // namespace

bool HasKernels() { return true; }

torch::Tensor NormActivate(const torch::Tensor& x, const Normalization& norm,
                           const Following& following) {
  const c10::DeviceGuard there(x.device());
  return NormFunction::apply(x, norm.weight, norm.bias, norm, following);
}

torch::Tensor ConvolutionNorm(const torch::Tensor& x,
                              const torch::Tensor& weight,
                              const torch::Tensor& bias,
                              const Normalization& norm,
                              const Following& following, at::ScalarType type) {
  const c10::DeviceGuard there(x.device());
  return ConvolutionNormFunction::apply(
      x.dim() == 2 ? x.contiguous()
                   : x.contiguous(at::MemoryFormat::ChannelsLast),
      weight, bias, norm.weight, norm.bias, norm, following, type);
}

torch::Tensor Convolution(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias) {
  const at::ScalarType type = ComputedIn(x);
  const bool is_ours = (type == at::kFloat || type == at::kBFloat16) &&
                       x.size(1) % kTileOutputs == 0;
  if (!is_ours) return at::conv2d(x, weight, bias);
  const c10::DeviceGuard there(x.device());
  return ConvolutionFunction::apply(
      x.to(type).contiguous(at::MemoryFormat::ChannelsLast), weight.to(type),
      bias.to(type));
}

void FillMask(const DropoutMask& mask, torch::Tensor& values) {
  const c10::DeviceGuard there(values.device());
  const int64_t blocks = (values.numel() / 4 + kThreads) / kThreads;
  Kernel("FillMask", at::kFloat)
      .Launch(blocks, MaskOf(mask), static_cast<Offset>(values.numel()),
              Data<float>(values));
}

}  // namespace dfsweep::model::gpu
