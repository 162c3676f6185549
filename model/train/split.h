// Which traces train, validate and test which task. See PROTOCOL.md and the
// parameter table (tasks.*, data.*) for what the choices mean.
#ifndef DFSWEEP_MODEL_TRAIN_SPLIT_H_
#define DFSWEEP_MODEL_TRAIN_SPLIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/config/parameters.h"
#include "model/data/dataset.h"

namespace dfsweep::model {

// Rows of the dataset, ascending.
struct TaskRows {
  // Original ones, in the order in which they were dealt: a class's place here
  // is its output unit in the domain-incremental scenario.
  std::vector<int64_t> labels;
  std::vector<int64_t> train, validation, test;
};

struct Split {
  std::vector<TaskRows> tasks;
  // Test rows that are, as the network sees them, equal to a training row of
  // any task.
  int64_t leaked_test_rows = 0;
  std::vector<std::string> warnings;
};

// Pure: depends on the dataset, the configuration and the seed alone. Throws
// config::Error where the configuration doesn't fit the dataset, and Failure
// with cause `data` where the dataset has too few traces.
Split SplitDataset(const data::Dataset& dataset,
                   const config::Configuration& configuration, uint64_t seed);

// The output unit of a label of the dataset: its position in classes(). The one
// map between labels and units.
int64_t OutputUnit(const data::Dataset& dataset, int64_t label);

// That of each row's label.
std::vector<int64_t> OutputUnits(const data::Dataset& dataset);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_SPLIT_H_
