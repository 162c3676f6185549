#ifndef DFSWEEP_MODEL_NET_FACTORY_H_
#define DFSWEEP_MODEL_NET_FACTORY_H_

#include <memory>

#include "model/config/parameters.h"
#include "model/net/network.h"

namespace dfsweep::model {

// The network that `configuration` asks for, on the CPU, with initial weights
// drawn from `weights`.
std::unique_ptr<Network> MakeNetwork(const config::Configuration& configuration,
                                     int64_t inputs, int64_t outputs,
                                     Stream weights);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_FACTORY_H_
