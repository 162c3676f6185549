// The tables, as numbered migrations; SCHEMA.md explains them.
#ifndef DFSWEEP_COORDINATOR_STORE_SCHEMA_H_
#define DFSWEEP_COORDINATOR_STORE_SCHEMA_H_

#include "base/status.h"
#include "coordinator/store/sqlite.h"

namespace dfsweep::coordinator {

// Marks the file as ours ("DFSW").
inline constexpr int kApplicationId = 0x44465357;

// Number of migrations: the schema that this program writes.
int SchemaVersion();

// Brings the file to SchemaVersion(), each migration as one transaction.
// kFailedPrecondition if the file is a newer schema's or another program's.
absl::Status Migrate(Database& database);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_SCHEMA_H_
