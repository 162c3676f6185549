#ifndef DFSWEEP_BASE_BUILD_ID_H_
#define DFSWEEP_BASE_BUILD_ID_H_

#include <string>

namespace dfsweep {

// The git commit this was built from, "-dirty" appended when the working tree
// had changes; "unknown" outside a checkout.
std::string BuildId();

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_BUILD_ID_H_
