#ifndef DFSWEEP_MODEL_TEST_DATA_H_
#define DFSWEEP_MODEL_TEST_DATA_H_

#include <c10/core/Device.h>

#include <filesystem>
#include <string>

#include "model/data/dataset.h"

namespace dfsweep::model {

// A native file for the length of a test.
class DatasetFile {
 public:
  explicit DatasetFile(const data::Traces& traces);
  ~DatasetFile();
  DatasetFile(const DatasetFile&) = delete;
  DatasetFile& operator=(const DatasetFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// What tests train on: DFSWEEP_TEST_DEVICE, e.g. cuda, else the CPU.
c10::Device TestDevice();

// Traces of `classes` classes that a network tells apart at once: runs of +1
// and −1 whose lengths depend on the class, with a little noise. Labels are
// 10, 20, 30, …; the groups 0…4 take turns.
data::Traces EasyTraces(int64_t classes, int64_t traces_per_class,
                        int64_t length);

// Images of `length` random pixels; labels and groups as in EasyTraces.
data::Traces RandomImages(int64_t classes, int64_t images_per_class,
                          int64_t length);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TEST_DATA_H_
