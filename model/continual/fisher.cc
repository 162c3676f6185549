#include "model/continual/fisher.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace dfsweep::model {
namespace {

// Rows that run through the network at once: enough to fill a device, and with
// DF at length 10,000 about 1 GiB.
constexpr int64_t kRows = 64;

}  // namespace

FisherLabels ParseFisherLabels(const std::string& name) {
  static const std::unordered_map<std::string, FisherLabels> kNames = {
      {"all", FisherLabels::kAll},
      {"sample", FisherLabels::kSample},
      {"pred", FisherLabels::kPredicted},
      {"true", FisherLabels::kTrue}};
  return kNames.at(name);
}

FisherSum::FisherSum(Network& network, FisherLabels kind,
                     torch::Tensor active_units, Stream labels)
    : network_(network),
      kind_(kind),
      active_units_(std::move(active_units)),
      labels_(labels),
      squares_(network, Power::kSquare) {}

int64_t FisherSum::ExamplesPerBatch() const {
  int64_t labels = kind_ == FisherLabels::kAll ? active_units_.size(0) : 1;
  return std::max<int64_t>(1, kRows / labels);
}

FisherSum::Targets FisherSum::MakeTargets(
    const torch::Tensor& log_probabilities, const torch::Tensor& units) {
  torch::Tensor probabilities = log_probabilities.exp();
  int64_t examples = probabilities.size(0);
  if (kind_ == FisherLabels::kAll) {
    torch::Tensor positions =
        at::arange(probabilities.size(1), active_units_.options());
    return {positions.expand({examples, -1}), probabilities};
  }
  torch::Tensor positions;
  if (kind_ == FisherLabels::kTrue) {
    positions = at::searchsorted(active_units_, units);
  } else if (kind_ == FisherLabels::kPredicted) {
    positions = probabilities.argmax(1);
  } else {
    // The number of cumulative probabilities below a uniform number.
    torch::Tensor uniform = at::empty({examples, 1}, at::kDouble);
    for (int64_t i = 0; i < examples; ++i) uniform[i][0] = labels_.Uniform();
    torch::Tensor cumulative = probabilities.to(at::kDouble).cumsum(1);
    uniform = uniform.to(cumulative.device()) *
              cumulative.narrow(1, cumulative.size(1) - 1, 1);
    positions = (cumulative <= uniform).sum(1);
  }
  positions = positions.unsqueeze(1);
  return {positions, at::ones_like(positions, probabilities.options())};
}

void FisherSum::Add(const torch::Tensor& x, const torch::Tensor& units) {
  EvalMode eval(network_);
  Targets targets;
  {
    torch::NoGradGuard no_grad;
    torch::Tensor logits = network_.Forward(x).index_select(1, active_units_);
    targets = MakeTargets(at::log_softmax(logits, 1), units);
  }
  // One example with more labels than a batch has rows comes in pieces.
  for (int64_t from = 0; from < targets.positions.size(1); from += kRows) {
    int64_t count = std::min(kRows, targets.positions.size(1) - from);
    AddRows(x, {targets.positions.narrow(1, from, count),
                targets.weights.narrow(1, from, count)});
  }
  examples_ += x.size(0);
}

void FisherSum::AddRows(const torch::Tensor& x, const Targets& targets) {
  auto log_likelihood = [&](const torch::Tensor& logits) {
    return at::log_softmax(logits.index_select(1, active_units_), 1)
        .gather(1, targets.positions.reshape({-1, 1}))
        .sum();
  };
  squares_.Add(x.repeat_interleave(targets.positions.size(1), /*dim=*/0),
               log_likelihood, targets.weights.reshape({-1}));
}

std::vector<torch::Tensor> FisherSum::Mean() const {
  if (examples_ == 0) throw std::logic_error("Fisher mean of no examples");
  std::vector<torch::Tensor> mean;
  for (const torch::Tensor& sum : squares_.sum())
    mean.push_back(sum / examples_);
  return mean;
}

}  // namespace dfsweep::model
