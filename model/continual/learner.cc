#include "model/continual/learner.h"

#include "model/train/precision.h"

namespace dfsweep::model {
namespace {

torch::Tensor Forward(const Learner& learner, Network& network,
                      const torch::Tensor& rows, const Pass& pass) {
  const at::ScalarType type = learner.parameters.front().scalar_type();
  torch::Tensor inputs = learner.Inputs(rows);
  Autocast autocast(learner.precision, learner.data.device());
  // What is computed of logits is computed in float at least.
  return network.Forward(inputs, pass).to(at::promote_types(type, at::kFloat));
}

}  // namespace

torch::Tensor Learner::Logits(const Step& step,
                              const torch::Tensor& rows) const {
  return Forward(*this, network, rows, {.dropout = step.dropout});
}

torch::Tensor Learner::EvalLogits(Network& network,
                                  const torch::Tensor& rows) const {
  torch::NoGradGuard no_grad;
  EvalMode eval(network);
  return Forward(*this, network, rows, {});
}

torch::Tensor Learner::CrossEntropy(const torch::Tensor& logits,
                                    const torch::Tensor& rows) const {
  return at::cross_entropy_loss(
      scenario.MaskForLoss(logits, rows, first_task, end_task),
      scenario.Targets(rows));
}

std::unique_ptr<Network> Learner::Snapshot() const {
  std::unique_ptr<Network> copy = make_network();
  CopyParameters(network, *copy);
  CopyBuffers(network, *copy);
  copy->eval();
  return copy;
}

void Learner::PersistSnapshot(std::unique_ptr<Network>& snapshot,
                              Archive& archive) const {
  bool is_there = snapshot != nullptr;
  archive.Value("has_snapshot", is_there);
  if (archive.restores()) {
    snapshot = is_there ? make_network() : nullptr;
    if (is_there) snapshot->eval();
  }
  Archive::Section section(archive, "snapshot_");
  if (is_there) snapshot->Persist(archive);
}

}  // namespace dfsweep::model
