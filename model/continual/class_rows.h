#ifndef DFSWEEP_MODEL_CONTINUAL_CLASS_ROWS_H_
#define DFSWEEP_MODEL_CONTINUAL_CLASS_ROWS_H_

#include <cstdint>
#include <map>
#include <vector>

#include "model/continual/learner.h"

namespace dfsweep::model {

// `rows` by their class, in the order of the classes.
std::map<int64_t, std::vector<int64_t>> ByClass(
    const Scenario& scenario, const std::vector<int64_t>& rows);

// The rows of all classes, class by class.
std::vector<int64_t> AllRows(
    const std::map<int64_t, std::vector<int64_t>>& by_class);

// How many rows of each class a memory of `size` rows keeps that is shared by
// all classes of all tasks alike; at least 1.
int64_t RowsPerClass(const Scenario& scenario, int64_t size);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_CLASS_ROWS_H_
