#ifndef DFSWEEP_COORDINATOR_STORE_FAILPOINT_H_
#define DFSWEEP_COORDINATOR_STORE_FAILPOINT_H_

#include <string_view>

namespace dfsweep::coordinator {

// For the tests that kill the coordinator where it hurts: with the environment
// variable DFSWEEP_FAILPOINT="NAME:N" the N-th Failpoint(NAME) kills this
// process as SIGKILL does. Names: before_commit, after_commit (of a transaction
// that writes). Without the variable it does nothing. One thread.
void Failpoint(std::string_view name);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_FAILPOINT_H_
