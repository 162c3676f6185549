#include "model/train/optimizer.h"

#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/net/parallel.h"
#include "model/net/vectors.h"

namespace dfsweep::model {
namespace {

void CheckCount(size_t stored, size_t wanted) {
  if (stored == wanted) return;
  throw CheckpointError("a checkpoint's optimizer is of another network");
}

// LibTorch makes a parameter's state with its first gradient.
template <typename Rule, typename State>
class LibTorchOptimizer : public Optimizer {
 public:
  template <typename Options>
  LibTorchOptimizer(std::vector<torch::Tensor> parameters,
                    const Options& options)
      : parameters_(std::move(parameters)), rule_(parameters_, options) {}
  void Step() override { rule_.step(); }

 protected:
  // Null if it has none.
  State* Find(size_t parameter) {
    auto state = rule_.state().find(Key(parameter));
    return state == rule_.state().end()
               ? nullptr
               : static_cast<State*>(state->second.get());
  }
  State& Make(size_t parameter) {
    auto state = std::make_unique<State>();
    State& made = *state;
    rule_.state()[Key(parameter)] = std::move(state);
    return made;
  }
  size_t size() const { return parameters_.size(); }

 private:
  void* Key(size_t parameter) const {
    return parameters_[parameter].unsafeGetTensorImpl();
  }

  std::vector<torch::Tensor> parameters_;
  Rule rule_;
};

class Adam : public LibTorchOptimizer<torch::optim::Adam,
                                      torch::optim::AdamParamState> {
 public:
  using LibTorchOptimizer::LibTorchOptimizer;

  void Persist(Archive& archive) override {
    std::vector<int64_t> steps(size());
    std::vector<torch::Tensor> means(size()), squares(size());
    for (size_t i = 0; i < size(); ++i) {
      if (auto* state = Find(i)) {
        steps[i] = state->step();
        means[i] = state->exp_avg();
        squares[i] = state->exp_avg_sq();
      }
    }
    archive.Value("steps", steps);
    archive.Tensors("moment_", means);
    archive.Tensors("square_", squares);
    if (!archive.restores()) return;
    CheckCount(steps.size(), size());
    CheckCount(means.size(), size());
    CheckCount(squares.size(), size());
    for (size_t i = 0; i < size(); ++i) {
      if (!means[i].defined()) continue;
      auto& state = Make(i);
      state.step(steps[i]);
      state.exp_avg(means[i]);
      state.exp_avg_sq(squares[i]);
    }
  }
};

class Sgd
    : public LibTorchOptimizer<torch::optim::SGD, torch::optim::SGDParamState> {
 public:
  using LibTorchOptimizer::LibTorchOptimizer;

  void Persist(Archive& archive) override {
    std::vector<torch::Tensor> momenta(size());
    for (size_t i = 0; i < size(); ++i) {
      if (auto* state = Find(i)) momenta[i] = state->momentum_buffer();
    }
    archive.Tensors("momentum_", momenta);
    if (!archive.restores()) return;
    CheckCount(momenta.size(), size());
    for (size_t i = 0; i < size(); ++i) {
      if (momenta[i].defined()) Make(i).momentum_buffer(momenta[i]);
    }
  }
};

// `tensor` with its values in the order in memory that `like` has.
torch::Tensor InOrderOf(const torch::Tensor& like,
                        const torch::Tensor& tensor) {
  if (tensor.strides() == like.strides()) return tensor;
  return at::empty_like(like).copy_(tensor);
}

// ---- Adamax on the CPU ------------------------------------------------------
// One pass over memory, where LibTorch's functions make five.

struct AdamaxFactors {
  float new_share, beta2, epsilon, step;  // 1 − β₁; learning rate, corrected
};

// A part of a parameter, with what belongs to it.
struct AdamaxPart {
  float* parameter;
  const float* gradient;
  float *moment, *norm;
  int64_t size;
};

constexpr int64_t kPartSize = 8192;

bool IsOnePass(const torch::Tensor& parameter) {
  return parameter.is_cpu() && parameter.scalar_type() == at::kFloat &&
         parameter.is_non_overlapping_and_dense();
}

void AddParts(const torch::Tensor& parameter, const torch::Tensor& gradient,
              torch::Tensor& moment, torch::Tensor& norm,
              std::vector<AdamaxPart>& parts) {
  for (int64_t first = 0; first < parameter.numel(); first += kPartSize) {
    parts.push_back({parameter.mutable_data_ptr<float>() + first,
                     gradient.const_data_ptr<float>() + first,
                     moment.mutable_data_ptr<float>() + first,
                     norm.mutable_data_ptr<float>() + first,
                     std::min(kPartSize, parameter.numel() - first)});
  }
}

// Of numbers, or of vectors of them.
template <typename Value>
DFSWEEP_INLINE void Update(const AdamaxFactors& factors, Value gradient,
                           Value& parameter, Value& moment, Value& norm) {
  const Value size = (gradient < 0.0f ? -gradient : gradient) + factors.epsilon;
  const Value old = norm * factors.beta2;
  moment += (gradient - moment) * factors.new_share;
  norm = old > size ? old : size;
  parameter -= moment / norm * factors.step;
}

template <typename V>
DFSWEEP_INLINE void Update(const AdamaxFactors& factors,
                           const AdamaxPart& part) {
  int64_t i = 0;
  for (; i + V::kLanes <= part.size; i += V::kLanes) {
    auto parameter = V::Load(part.parameter + i);
    auto moment = V::Load(part.moment + i), norm = V::Load(part.norm + i);
    Update(factors, V::Load(part.gradient + i), parameter, moment, norm);
    V::Store(part.parameter + i, parameter);
    V::Store(part.moment + i, moment);
    V::Store(part.norm + i, norm);
  }
  for (; i < part.size; ++i) {
    Update(factors, part.gradient[i], part.parameter[i], part.moment[i],
           part.norm[i]);
  }
}

void Update(const AdamaxFactors& factors,
            const std::vector<AdamaxPart>& parts) {
  ParallelFor(static_cast<int64_t>(parts.size()),
              [&](int64_t begin, int64_t end) {
                Vectorized([&](auto vectors) DFSWEEP_LOOP {
                  for (int64_t i = begin; i < end; ++i) {
                    Update<decltype(vectors)>(factors, parts[i]);
                  }
                });
              });
}

}  // namespace

Adamax::Adamax(std::vector<torch::Tensor> parameters, const Options& options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const torch::Tensor& parameter : parameters_) {
    moment_.push_back(at::zeros_like(parameter));
    norm_.push_back(at::zeros_like(parameter));
  }
}

void Adamax::Step() {
  torch::NoGradGuard no_grad;
  ++steps_;
  std::vector<torch::Tensor> parameters, gradients, moments, norms;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    parameters.push_back(parameters_[i]);
    gradients.push_back(parameters_[i].grad());
    moments.push_back(moment_[i]);
    norms.push_back(norm_[i]);
  }
  if (parameters.empty()) return;
  if (options_.weight_decay != 0) {
    gradients = at::_foreach_add(gradients, parameters, options_.weight_decay);
  }
  const double correction = 1 - std::pow(options_.beta1, steps_);
  const double step = options_.learning_rate / correction;
  // norm = max(β₂ · norm, |gradient| + ε): ε goes inside, so that a weight that
  // never had a gradient is not divided by 0.
  if (std::all_of(parameters.begin(), parameters.end(), IsOnePass)) {
    std::vector<AdamaxPart> parts;
    for (size_t i = 0; i < parameters.size(); ++i) {
      gradients[i] = InOrderOf(parameters[i], gradients[i]);
      AddParts(parameters[i], gradients[i], moments[i], norms[i], parts);
    }
    Update({.new_share = static_cast<float>(1 - options_.beta1),
            .beta2 = static_cast<float>(options_.beta2),
            .epsilon = static_cast<float>(options_.epsilon),
            .step = static_cast<float>(step)},
           parts);
    return;
  }
  at::_foreach_lerp_(moments, gradients, 1 - options_.beta1);
  std::vector<torch::Tensor> sizes = at::_foreach_abs(gradients);
  at::_foreach_add_(sizes, options_.epsilon);
  at::_foreach_mul_(norms, options_.beta2);
  at::_foreach_maximum_(norms, sizes);
  at::_foreach_addcdiv_(parameters, moments, norms, -step);
}

void Adamax::Persist(Archive& archive) {
  archive.Value("steps", steps_);
  archive.Tensors("moment_", moment_);
  archive.Tensors("norm_", norm_);
  CheckCount(moment_.size(), parameters_.size());
  CheckCount(norm_.size(), parameters_.size());
  if (!archive.restores()) return;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    moment_[i] = InOrderOf(parameters_[i], moment_[i]);
    norm_[i] = InOrderOf(parameters_[i], norm_[i]);
  }
}

std::unique_ptr<Optimizer> MakeOptimizer(
    const config::Configuration& configuration,
    std::vector<torch::Tensor> parameters) {
  double learning_rate = configuration.Real("learning_rate");
  double weight_decay = configuration.Real("weight_decay");
  std::string name = configuration.Choice("optimizer");
  if (name == "sgd") {
    return std::make_unique<Sgd>(std::move(parameters),
                                 torch::optim::SGDOptions(learning_rate)
                                     .momentum(configuration.Real("momentum"))
                                     .weight_decay(weight_decay));
  }
  double beta1 = configuration.Real("beta1");
  double beta2 = configuration.Real("beta2");
  double epsilon = configuration.Real("epsilon");
  if (name == "adam") {
    return std::make_unique<Adam>(std::move(parameters),
                                  torch::optim::AdamOptions(learning_rate)
                                      .betas({beta1, beta2})
                                      .eps(epsilon)
                                      .weight_decay(weight_decay));
  }
  return std::make_unique<Adamax>(
      std::move(parameters), Adamax::Options{.learning_rate = learning_rate,
                                             .beta1 = beta1,
                                             .beta2 = beta2,
                                             .epsilon = epsilon,
                                             .weight_decay = weight_decay});
}

std::vector<torch::Tensor> Gradients(
    const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : parameters) {
    torch::Tensor& gradient = parameter.mutable_grad();
    if (!gradient.defined()) gradient = at::zeros_like(parameter.detach());
    gradients.push_back(gradient);
  }
  return gradients;
}

void ClearGradients(const std::vector<torch::Tensor>& parameters) {
  for (const torch::Tensor& parameter : parameters) {
    parameter.mutable_grad().reset();
  }
}

}  // namespace dfsweep::model
