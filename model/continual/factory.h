#ifndef DFSWEEP_MODEL_CONTINUAL_FACTORY_H_
#define DFSWEEP_MODEL_CONTINUAL_FACTORY_H_

#include <memory>

#include "model/config/parameters.h"
#include "model/continual/strategy.h"

namespace dfsweep::model {

// The strategy that `configuration` names.
std::unique_ptr<Strategy> MakeStrategy(
    const config::Configuration& configuration);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_FACTORY_H_
