#include "model/net/factory.h"

#include "model/net/deep_fingerprinting.h"
#include "model/net/multi_layer_perceptron.h"

namespace dfsweep::model {

std::unique_ptr<Network> MakeNetwork(const config::Configuration& configuration,
                                     int64_t inputs, int64_t outputs,
                                     Stream weights) {
  if (configuration.Choice("model") == "mlp") {
    return std::make_unique<MultiLayerPerceptron>(
        MultiLayerPerceptronOptions{
            .inputs = inputs,
            .hidden = configuration.Integer("mlp.hidden"),
            .outputs = outputs},
        weights);
  }
  const bool group_norm = configuration.Choice("bn") == "group_norm";
  return std::make_unique<DeepFingerprinting>(
      DeepFingerprintingOptions{
          .sequence_length = inputs,
          .classes = outputs,
          .norm_momentum = group_norm ? 0 : configuration.Real("bn_momentum"),
          .group_norm = group_norm,
          .dropout_convolution = configuration.Real("dropout.conv"),
          .dropout_dense_1 = configuration.Real("dropout.fc1"),
          .dropout_dense_2 = configuration.Real("dropout.fc2")},
      weights);
}

}  // namespace dfsweep::model
