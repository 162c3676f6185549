#include "model/continual/factory.h"

#include <stdexcept>

#include "model/continual/ewc.h"
#include "model/continual/joint.h"
#include "model/continual/naive.h"

namespace dfsweep::model {

std::unique_ptr<Strategy> MakeStrategy(
    const config::Configuration& configuration) {
  std::string name = configuration.Choice("strategy");
  if (name == "joint") return std::make_unique<Joint>();
  if (name == "naive") return std::make_unique<Naive>();
  if (name == "ewc") return std::make_unique<Ewc>(configuration);
  throw std::logic_error("strategy '" + name + "' is in no factory");
}

}  // namespace dfsweep::model
