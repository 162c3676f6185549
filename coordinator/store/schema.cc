#include "coordinator/store/schema.h"

#include <fmt/format.h>

#include <array>
#include <string>

namespace dfsweep::coordinator {
namespace {

// A migration is never edited after a release: a change is a new one.
constexpr std::array kMigrations = {
    R"sql(
CREATE TABLE meta (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE datasets (
  digest TEXT NOT NULL PRIMARY KEY,
  size_bytes INTEGER NOT NULL,
  manifest_json TEXT NOT NULL,
  create_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_names (
  name TEXT NOT NULL PRIMARY KEY,
  digest TEXT NOT NULL REFERENCES datasets,
  change_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sweeps (
  number INTEGER PRIMARY KEY,
  sweep_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  meaning TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'cancelled')),
  priority INTEGER NOT NULL,
  dataset_name TEXT NOT NULL,
  dataset_digest TEXT NOT NULL REFERENCES datasets,
  metric_name TEXT NOT NULL,
  metric_maximize INTEGER NOT NULL,
  file_text TEXT NOT NULL,
  file_name TEXT NOT NULL,
  overrides_json TEXT NOT NULL,
  varying_json TEXT NOT NULL,
  create_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sweeps_by_name ON sweeps (name, number);

CREATE TABLE trials (
  number INTEGER PRIMARY KEY,
  trial_id TEXT NOT NULL UNIQUE,
  dataset_digest TEXT NOT NULL REFERENCES datasets,
  configuration_json TEXT NOT NULL,
  seed INTEGER NOT NULL,
  work REAL NOT NULL,
  epochs_total INTEGER NOT NULL,
  epochs_done INTEGER NOT NULL DEFAULT 0,
  device TEXT NOT NULL,
  memory_bytes INTEGER NOT NULL,
  budget_out_of_memory INTEGER NOT NULL,
  budget_crash INTEGER NOT NULL,
  budget_timeout INTEGER NOT NULL,
  budget_environment INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'leased', 'running',
    'completed', 'diverged', 'failed', 'cancelled')),
  attempt INTEGER NOT NULL DEFAULT 0,
  worker_id TEXT NOT NULL DEFAULT '',
  cause TEXT CHECK (cause IN ('worker_lost', 'preempted', 'oom', 'crash',
    'timeout', 'bad_config', 'environment')),
  message TEXT NOT NULL DEFAULT '',
  start_ms INTEGER,
  end_ms INTEGER,
  train_seconds REAL NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE sweep_trials (
  sweep INTEGER NOT NULL REFERENCES sweeps,
  position INTEGER NOT NULL,
  trial INTEGER NOT NULL REFERENCES trials,
  PRIMARY KEY (sweep, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sweep_trials_by_trial ON sweep_trials (trial, sweep);

CREATE TABLE environments (
  digest TEXT NOT NULL PRIMARY KEY,
  device TEXT NOT NULL,
  device_name TEXT NOT NULL,
  cpu TEXT NOT NULL,
  threads INTEGER NOT NULL,
  torch_version TEXT NOT NULL,
  cuda_version TEXT NOT NULL,
  cudnn_version TEXT NOT NULL,
  driver_version TEXT NOT NULL,
  device_memory_bytes INTEGER NOT NULL,
  bf16 INTEGER NOT NULL,
  build TEXT NOT NULL,
  os TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  worker_id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('online', 'suspect', 'lost', 'draining',
    'quarantined', 'left')),
  reason TEXT NOT NULL,
  parity_warning TEXT NOT NULL,
  slots INTEGER NOT NULL,
  environment TEXT NOT NULL REFERENCES environments,
  register_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  trial INTEGER NOT NULL REFERENCES trials,
  attempt INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  outcome TEXT CHECK (outcome IN ('completed', 'diverged', 'failed', 'lost',
    'handed_back', 'cancelled', 'superseded')),
  cause TEXT CHECK (cause IN ('worker_lost', 'preempted', 'oom', 'crash',
    'timeout', 'bad_config', 'environment')),
  counted INTEGER NOT NULL DEFAULT 0,
  accepted INTEGER NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '',
  environment TEXT REFERENCES environments,
  lease_ms INTEGER NOT NULL,
  start_ms INTEGER,
  end_ms INTEGER,
  PRIMARY KEY (trial, attempt)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX attempts_accepted ON attempts (trial) WHERE accepted = 1;
CREATE INDEX attempts_by_worker ON attempts (worker_id, outcome);

CREATE TABLE leases (
  trial INTEGER NOT NULL PRIMARY KEY REFERENCES trials,
  attempt INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  grant_ms INTEGER NOT NULL,
  FOREIGN KEY (trial, attempt) REFERENCES attempts
) STRICT;
CREATE INDEX leases_by_request ON leases (request_id);

CREATE TABLE metrics (
  trial INTEGER NOT NULL REFERENCES trials,
  attempt INTEGER NOT NULL,
  task INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (trial, attempt, task, epoch, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE final_metrics (
  trial INTEGER NOT NULL REFERENCES trials,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_evaluations (
  trial INTEGER NOT NULL REFERENCES trials,
  attempt INTEGER NOT NULL,
  after_task INTEGER NOT NULL,
  task INTEGER NOT NULL,
  split TEXT NOT NULL,
  accuracy REAL NOT NULL,
  examples INTEGER NOT NULL,
  PRIMARY KEY (trial, attempt, after_task, task, split)
) STRICT, WITHOUT ROWID;

CREATE TABLE accuracy_matrix (
  trial INTEGER NOT NULL REFERENCES trials,
  after_task INTEGER NOT NULL,
  task INTEGER NOT NULL,
  accuracy REAL NOT NULL,
  PRIMARY KEY (trial, after_task, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_lines (
  trial INTEGER NOT NULL REFERENCES trials,
  attempt INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  since_start_ms INTEGER NOT NULL,
  PRIMARY KEY (trial, attempt, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE requests (
  request_id TEXT NOT NULL PRIMARY KEY,
  method TEXT NOT NULL,
  answer_json TEXT NOT NULL,
  time_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (time_ms);
)sql",
    R"sql(
ALTER TABLE trials ADD COLUMN epochs_reused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trials ADD COLUMN first_stage TEXT NOT NULL DEFAULT '';
ALTER TABLE trials ADD COLUMN first_stage_epochs INTEGER NOT NULL DEFAULT 0;
)sql",
    R"sql(
CREATE TABLE tokens (
  number INTEGER PRIMARY KEY,
  token_id TEXT NOT NULL UNIQUE,
  secret_hash TEXT NOT NULL CHECK (length(secret_hash) = 64),
  scope TEXT NOT NULL
    CHECK (scope IN ('read', 'submit', 'admin', 'worker', 'joined')),
  worker_id TEXT NOT NULL,
  name TEXT NOT NULL,
  create_ms INTEGER NOT NULL,
  expire_ms INTEGER,
  revoked INTEGER NOT NULL DEFAULT 0
) STRICT;
)sql",
    R"sql(
CREATE TABLE result_parts (
  trial INTEGER NOT NULL REFERENCES trials,
  name TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;
)sql",
    R"sql(
ALTER TABLE sweeps ADD COLUMN searches INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sweep_trials ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
CREATE TABLE search_reports (
  number INTEGER PRIMARY KEY,
  sweep INTEGER NOT NULL REFERENCES sweeps,
  trial INTEGER NOT NULL REFERENCES trials,
  epochs INTEGER NOT NULL,
  value REAL NOT NULL,
  UNIQUE (sweep, trial, epochs)
) STRICT;
)sql",
    // SQLite can't change a CHECK: the table is made anew.
    R"sql(
CREATE TABLE workers_with_orders (
  worker_id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('online', 'suspect', 'lost', 'draining',
    'quarantined', 'left', 'paused')),
  reason TEXT NOT NULL,
  parity_warning TEXT NOT NULL,
  slots INTEGER NOT NULL,
  environment TEXT NOT NULL REFERENCES environments,
  register_ms INTEGER NOT NULL,
  ordered TEXT NOT NULL
    CHECK (ordered IN ('work', 'drain', 'pause', 'remove')),
  probe_digest TEXT NOT NULL,
  samples_per_second REAL NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO workers_with_orders
  SELECT worker_id, name, incarnation, state, reason, parity_warning, slots,
    environment, register_ms, iif(state = 'draining', 'drain', 'work'), '', 0.0
  FROM workers;
DROP TABLE workers;
ALTER TABLE workers_with_orders RENAME TO workers;
)sql",
    R"sql(
CREATE TABLE leases_with_copies (
  trial INTEGER NOT NULL REFERENCES trials,
  attempt INTEGER NOT NULL,
  worker_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  grant_ms INTEGER NOT NULL,
  PRIMARY KEY (trial, attempt),
  FOREIGN KEY (trial, attempt) REFERENCES attempts
) STRICT, WITHOUT ROWID;
INSERT INTO leases_with_copies
  SELECT trial, attempt, worker_id, request_id, grant_ms FROM leases;
DROP TABLE leases;
ALTER TABLE leases_with_copies RENAME TO leases;
CREATE INDEX leases_by_request ON leases (request_id);
)sql",
};

int64_t ReadPragma(Database& database, const char* sql) {
  Query query(database, sql);
  return query.Next() ? query.Int(0) : 0;
}

absl::Status CheckOwner(Database& database) {
  int64_t owner = ReadPragma(database, "PRAGMA application_id");
  int64_t tables = ReadPragma(database, "SELECT count(*) FROM sqlite_schema");
  DFSWEEP_RETURN_IF_ERROR(database.TakeError());
  if (owner == kApplicationId || (owner == 0 && tables == 0)) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "this is a database of another program",
                   database.path().string(),
                   "name another folder with --store");
}

}  // namespace

int SchemaVersion() { return static_cast<int>(kMigrations.size()); }

absl::Status Migrate(Database& database) {
  DFSWEEP_RETURN_IF_ERROR(CheckOwner(database));
  int64_t version = ReadPragma(database, "PRAGMA user_version");
  DFSWEEP_RETURN_IF_ERROR(database.TakeError());
  if (version > SchemaVersion()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("the store was written by a newer dfsweep (schema {}, this "
                    "program knows {})",
                    version, SchemaVersion()),
        database.path().string(),
        "upgrade dfsweep on this machine, or name another folder with --store");
  }
  for (; version < SchemaVersion(); ++version) {
    database.Begin();
    database.Execute(kMigrations[version]);
    database.Execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
    database.Execute(fmt::format("PRAGMA user_version = {}", version + 1));
    DFSWEEP_RETURN_IF_ERROR(database.Commit());
  }
  return absl::OkStatus();
}

}  // namespace dfsweep::coordinator
