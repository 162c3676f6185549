#include "coordinator/search/stopper.h"

#include "coordinator/search/asha.h"
#include "coordinator/search/median.h"

namespace dfsweep::coordinator {

std::unique_ptr<Stopper> MakeStopper(const sweeps::EarlyTerminate& rule) {
  using Type = sweeps::EarlyTerminate::Type;
  switch (rule.type) {
    case Type::kNone:
      return nullptr;
    case Type::kMedian:
      return std::make_unique<MedianStopper>(rule.min_iter);
    case Type::kAsha:
      return std::make_unique<Asha>(rule.min_iter, rule.eta);
  }
  return nullptr;
}

}  // namespace dfsweep::coordinator
