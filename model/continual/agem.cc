#include "model/continual/agem.h"

#include <torch/csrc/autograd/autograd.h>

#include "model/continual/replay.h"
#include "model/train/optimizer.h"

namespace dfsweep::model {
namespace {

// Puts the network's buffers back at the end of a scope.
class KeepBuffers {
 public:
  explicit KeepBuffers(Network& network) : buffers_(network.buffers()) {
    for (const torch::Tensor& buffer : buffers_) {
      copies_.push_back(buffer.clone());
    }
  }
  ~KeepBuffers() {
    torch::NoGradGuard no_grad;
    for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(copies_[i]);
  }
  KeepBuffers(const KeepBuffers&) = delete;
  KeepBuffers& operator=(const KeepBuffers&) = delete;

 private:
  std::vector<torch::Tensor> buffers_, copies_;
};

torch::Tensor Dot(const std::vector<torch::Tensor>& a,
                  const std::vector<torch::Tensor>& b) {
  torch::Tensor sum = at::zeros({}, a[0].options().dtype(at::kDouble));
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() && b[i].defined()) {
      sum += (a[i].to(at::kDouble) * b[i]).sum();
    }
  }
  return sum;
}

}  // namespace

void ProjectGradient(std::vector<torch::Tensor>& g,
                     const std::vector<torch::Tensor>& reference) {
  torch::NoGradGuard no_grad;
  const double product = Dot(g, reference).item<double>();
  if (!(product < 0)) return;
  const double scale = product / Dot(reference, reference).item<double>();
  for (size_t i = 0; i < g.size(); ++i) {
    if (reference[i].defined()) g[i].sub_(reference[i], scale);
  }
}

Agem::Agem(const config::Configuration& configuration)
    : size_(configuration.Integer("buffer.size")),
      batch_(configuration.Integer("buffer.batch")),
      memory_(size_) {}

void Agem::AfterBackward(const Learner& learner, const Step& step) {
  if (memory_.empty()) return;
  Stream stream = learner.StepStream(Purpose::kReplay, step);
  const torch::Tensor rows = learner.data.Rows(
      Draw(memory_.rows(), ReplayCount(batch_, step), stream));
  std::vector<torch::Tensor> reference;
  {
    KeepBuffers keep(learner.network);
    reference = torch::autograd::grad(
        {learner.CrossEntropy(learner.Logits(step, rows), rows)},
        learner.parameters, {}, /*retain_graph=*/false, /*create_graph=*/false,
        /*allow_unused=*/true);
  }
  std::vector<torch::Tensor> gradients = Gradients(learner.parameters);
  ProjectGradient(gradients, reference);
}

void Agem::AfterTask(Learner& learner) {
  FillClassBalanced(learner, size_, memory_);
}

}  // namespace dfsweep::model
