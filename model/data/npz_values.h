// Whole arrays of an .npz as vectors. Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_NPZ_VALUES_H_
#define DFSWEEP_MODEL_DATA_NPZ_VALUES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/data/labels.h"
#include "model/data/npz.h"

namespace dfsweep::data {

// The whole array, of any integer type. Throws config::Error if its type is
// another, or its data is damaged.
std::vector<int64_t> ReadIntegers(NpzArray* array);

// The next `count` numbers of an array of signed integers or floats, so that a
// long array needs little memory. The caller calls array->Finish().
void ReadNumbers(NpzArray* array, int64_t count, std::vector<double>* out);

// Integers, strings, or a pickled list of these; checked to be labels of
// `count` traces.
LabelList ReadLabels(NpzArray array, int64_t count);

// Throws unless the array is 1-D with a number for each trace.
void CheckPerTrace(const NpzArray& array, int64_t count);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_NPZ_VALUES_H_
