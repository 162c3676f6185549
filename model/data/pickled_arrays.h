// X and y out of an unpickled value: ragged lists, arrays, arrays of lists.
// Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_PICKLED_ARRAYS_H_
#define DFSWEEP_MODEL_DATA_PICKLED_ARRAYS_H_

#include <string>
#include <string_view>

#include "model/data/cells.h"
#include "model/data/labels.h"
#include "model/data/pickle.h"

namespace dfsweep::data {

// Adds a row for each trace of the pickle in `bytes`: a list or array of lists
// or arrays of numbers. Throws config::Error if it is anything else. Returns
// what it was: "list of lists (int8)".
std::string AddPickledRows(std::string_view bytes, const std::string& where,
                           CellRows* rows);

// A list or array of whole numbers or strings.
LabelList ReadPickledLabels(std::string_view bytes, const std::string& where);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_PICKLED_ARRAYS_H_
