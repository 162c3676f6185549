#ifndef DFSWEEP_SWEEPS_REFERENCE_H_
#define DFSWEEP_SWEEPS_REFERENCE_H_

#include <string>

namespace dfsweep::sweeps {

// The page docs/parameters.md, made from the parameter table.
std::string ParameterReferenceMarkdown();

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_REFERENCE_H_
