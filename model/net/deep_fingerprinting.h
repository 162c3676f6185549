#ifndef DFSWEEP_MODEL_NET_DEEP_FINGERPRINTING_H_
#define DFSWEEP_MODEL_NET_DEEP_FINGERPRINTING_H_

#include <memory>
#include <string>
#include <vector>

#include "model/net/network.h"

namespace dfsweep::model {

struct DeepFingerprintingOptions {
  int64_t sequence_length = 5000;  // ≥ 1
  int64_t classes = 0;
  double norm_momentum = 0.99;  // Keras's convention
  bool group_norm = false;      // in place of batch normalisation
  double dropout_convolution = 0.1;
  double dropout_dense_1 = 0.7;
  double dropout_dense_2 = 0.5;
  // Use the fused layers of fused_norm.h where they can be: on a CPU, with
  // batch normalisation, when nobody looks at single layers.
  bool fuse = true;
};

// Deep Fingerprinting (Sirinam et al., CCS 2018), as published in Keras:
//   4 blocks of 32, 64, 128, 256 filters:
//     (convolution 8 "same", batch norm, activation) twice,
//     max-pool 8/4 "same", dropout; ELU in the first block, ReLU after
//   flatten in channels-last order
//   2 × (dense 512, batch norm, ReLU, dropout), dense
// The pool comes before the second activation here: both activations are
// monotone, so nothing changes but a quarter of the work.
// A convolution over a sequence is run as one over images of height 1, which
// LibTorch has in channels-last form.
class DeepFingerprinting : public Network {
 public:
  DeepFingerprinting(const DeepFingerprintingOptions& options, Stream& weights);
  torch::Tensor Features(const torch::Tensor& x, const Pass& pass) override;
  DenseLayer& classifier() override { return *dense_3_; }

 private:
  std::shared_ptr<Layer> AddNorm(const std::string& name, int64_t channels);
  bool CanFuse(const torch::Tensor& x, const Pass& pass) const;
  // The blocks' output, [batch, 256, 1, length], of x, [batch, length].
  torch::Tensor Blocks(const torch::Tensor& x, const Pass& pass);
  torch::Tensor FusedBlocks(const torch::Tensor& x, const Pass& pass);

  struct Block {
    std::shared_ptr<ConvolutionLayer> convolution_1, convolution_2;
    std::shared_ptr<Layer> norm_1, norm_2;
  };

  DeepFingerprintingOptions options_;
  std::vector<Block> blocks_;
  std::shared_ptr<DenseLayer> dense_1_, dense_2_, dense_3_;
  std::shared_ptr<Layer> norm_1_, norm_2_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_DEEP_FINGERPRINTING_H_
