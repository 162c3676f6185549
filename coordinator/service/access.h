#ifndef DFSWEEP_COORDINATOR_SERVICE_ACCESS_H_
#define DFSWEEP_COORDINATOR_SERVICE_ACCESS_H_

#include <string>

#include "coordinator/service/tokens.h"

namespace dfsweep::coordinator {

// Who may come in, and how others find the door. There is none on a coordinator
// that serves loopback only.
struct Access {
  explicit Access(const Clock& clock) : tokens(clock) {}
  TokenTable tokens;
  std::string address;      // HOST:PORT for other machines
  std::string fingerprint;  // of the authority
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_ACCESS_H_
