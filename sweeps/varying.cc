#include "sweeps/varying.h"

#include <map>
#include <set>

#include "model/config/parameters.h"

namespace dfsweep::sweeps {

std::vector<std::string> VaryingParameters(const Expansion& expansion) {
  std::map<std::string, std::set<Json>> values;
  const Json* last = nullptr;
  for (const Trial& trial : expansion.trials) {
    // Trials that differ in nothing but the seed share it and follow each
    // other.
    if (trial.configuration.get() == last) continue;
    last = trial.configuration.get();
    for (const auto& [name, value] : last->items()) values[name].insert(value);
  }
  std::vector<std::string> varying;
  for (const config::Parameter& parameter : config::Parameters()) {
    if (values[parameter.name].size() > 1) varying.push_back(parameter.name);
  }
  return varying;
}

}  // namespace dfsweep::sweeps
