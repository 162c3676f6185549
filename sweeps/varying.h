#ifndef DFSWEEP_SWEEPS_VARYING_H_
#define DFSWEEP_SWEEPS_VARYING_H_

#include <string>
#include <vector>

#include "sweeps/expand.h"

namespace dfsweep::sweeps {

// The parameters that tell the configurations of a sweep apart: those with more
// than one value, in the order of docs/parameters.md. A parameter that only
// some configurations have, but with one value, says nothing that the parameter
// which it belongs to (strategy, optimizer) does not.
std::vector<std::string> VaryingParameters(const Expansion& expansion);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_VARYING_H_
