#ifndef DFSWEEP_MODEL_NET_BATCH_NORM_H_
#define DFSWEEP_MODEL_NET_BATCH_NORM_H_

#include <torch/types.h>

namespace dfsweep::model {

// Batch normalisation in train mode (Ioffe & Szegedy 2015) over dimension 1 of
// `x`, [batch, channels] or [batch, channels, 1, length], with a graph. Moves
// `running_mean` and `running_variance` (the unbiased one) by the share
// `new_share` towards the batch's.
//
// float32 on a CPU, with the channels of a position side by side in memory, is
// computed here; everything else by LibTorch. LibTorch adds up that layout in
// float, one value after the other: over batch × length values its statistics
// are wrong in the sixth digit, which DF's ten layers make the fourth, and ReLU
// gates and pools that open the other way then change gradients by percents.
// Here 64 values are added in float and these sums in double, in an order that
// does not depend on the number of threads.
torch::Tensor BatchNormByBatch(const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias,
                               torch::Tensor running_mean,
                               torch::Tensor running_variance, double new_share,
                               double epsilon);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_BATCH_NORM_H_
