#ifndef DFSWEEP_CLI_WORKER_DIFF_H_
#define DFSWEEP_CLI_WORKER_DIFF_H_

#include <string>
#include <vector>

#include "dfsweep/v1/resources.pb.h"

namespace dfsweep::cli {

// Something in which two machines differ.
struct WorkerDifference {
  std::string what;  // "torch"
  std::string a;     // "none" if it has none
  std::string b;
  // Whether equal trials may give other numbers because of it.
  bool changes_numbers = false;
  std::string remedy;  // how to align them; "" if that is not to be done
};

// Those that change numbers first.
std::vector<WorkerDifference> DifferencesBetween(const v1::Worker& a,
                                                 const v1::Worker& b);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_WORKER_DIFF_H_
