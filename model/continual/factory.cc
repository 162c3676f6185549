#include "model/continual/factory.h"

#include <map>
#include <stdexcept>

#include "model/continual/agem.h"
#include "model/continual/bic.h"
#include "model/continual/cumulative.h"
#include "model/continual/derpp.h"
#include "model/continual/er.h"
#include "model/continual/ewc.h"
#include "model/continual/ewc_and_si.h"
#include "model/continual/freeze.h"
#include "model/continual/gdumb.h"
#include "model/continual/icarl.h"
#include "model/continual/joint.h"
#include "model/continual/lwf.h"
#include "model/continual/mas.h"
#include "model/continual/naive.h"
#include "model/continual/si.h"
#include "model/continual/stay_close.h"

namespace dfsweep::model {
namespace {

using Maker =
    std::unique_ptr<Strategy> (*)(const config::Configuration& configuration);

template <typename Kind>
std::unique_ptr<Strategy> Make(const config::Configuration& configuration) {
  if constexpr (std::is_default_constructible_v<Kind>) {
    return std::make_unique<Kind>();
  } else {
    return std::make_unique<Kind>(configuration);
  }
}

const std::map<std::string, Maker>& Makers() {
  static const std::map<std::string, Maker> kMakers = {
      {"joint", Make<Joint>},   {"naive", Make<Naive>},
      {"ewc", Make<Ewc>},       {"online-ewc", Make<OnlineEwc>},
      {"si", Make<Si>},         {"ewc+si", Make<EwcAndSi>},
      {"mas", Make<Mas>},       {"l1", Make<L1>},
      {"l2", Make<L2>},         {"lwf", Make<Lwf>},
      {"er", Make<Er>},         {"derpp", Make<Derpp>},
      {"agem", Make<Agem>},     {"icarl", Make<Icarl>},
      {"bic", Make<Bic>},       {"gdumb", Make<Gdumb>},
      {"freeze", Make<Freeze>}, {"cumulative", Make<Cumulative>}};
  return kMakers;
}

}  // namespace

std::unique_ptr<Strategy> MakeStrategy(
    const config::Configuration& configuration) {
  const std::string name = configuration.Choice("strategy");
  const auto found = Makers().find(name);
  if (found == Makers().end()) {
    throw std::logic_error("strategy '" + name + "' is in no factory");
  }
  return found->second(configuration);
}

}  // namespace dfsweep::model
