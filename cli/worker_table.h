#ifndef DFSWEEP_CLI_WORKER_TABLE_H_
#define DFSWEEP_CLI_WORKER_TABLE_H_

#include <vector>

#include "base/text_table.h"
#include "dfsweep/v1/resources.pb.h"

namespace dfsweep::cli {

// The machines that train, what they compute with and how they are. Columns
// that no machine has anything for are left out; "why" is the last one.
TextTable WorkerTable(const std::vector<v1::Worker>& workers);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_WORKER_TABLE_H_
