#ifndef DFSWEEP_MODEL_CONTINUAL_HERDING_H_
#define DFSWEEP_MODEL_CONTINUAL_HERDING_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace dfsweep::model {

// Herding (Welling 2009, as in iCaRL, Rebuffi et al. 2017): indices of `count`
// rows of `features` [rows, width], or of all if there are fewer, in the order
// in which each brings the mean of those chosen nearest to the mean of all.
// The first m of them are the herding of m.
std::vector<int64_t> Herd(const torch::Tensor& features, int64_t count);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_HERDING_H_
