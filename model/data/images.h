// Images as a source. Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_IMAGES_H_
#define DFSWEEP_MODEL_DATA_IMAGES_H_

#include <string>

#include "model/data/npz.h"
#include "model/data/source.h"

namespace dfsweep::data {

// x_train, y_train, x_test and y_test, as Keras has MNIST.
bool HasImages(const NpzFile& file);
Source ReadImages(const NpzFile& file, const std::string& path);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_IMAGES_H_
