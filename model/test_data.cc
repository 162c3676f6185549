#include "model/test_data.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "model/train/device.h"
#include "model/train/random.h"

namespace dfsweep::model {
namespace {

// Tests share the machine with a build or with each other: threads that wait
// for one another would make them many times slower.
class OneThread : public testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};

[[maybe_unused]] const auto* const kOneThread =
    testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace

c10::Device TestDevice() {
  const char* name = std::getenv("DFSWEEP_TEST_DEVICE");
  return ParseDevice(name == nullptr ? "cpu" : name);
}

DatasetFile::DatasetFile(const data::Traces& traces) {
  static std::atomic<int> next = 0;
  path_ = std::filesystem::temp_directory_path() /
          ("dfsweep_test_" + std::to_string(getpid()) + "_" +
           std::to_string(next++) + ".npz");
  std::string bytes = data::NativeBytes(traces);
  std::ofstream(path_, std::ios::binary) << bytes;
}

DatasetFile::~DatasetFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

data::Traces EasyTraces(int64_t classes, int64_t traces_per_class,
                        int64_t length) {
  data::Traces traces{.count = classes * traces_per_class, .length = length};
  Stream noise(99, Purpose::kSplit);
  for (int64_t row = 0; row < traces.count; ++row) {
    int64_t label = row % classes;
    for (int64_t i = 0; i < length; ++i) {
      bool up = (i / (label + 1)) % 2 == 0;
      if (noise.Below(20) == 0) up = !up;
      traces.cells.push_back(up ? 1 : -1);
    }
    traces.labels.push_back(10 * (label + 1));
    traces.groups.push_back(row / classes % 5);
  }
  return traces;
}

data::Traces RandomImages(int64_t classes, int64_t images_per_class,
                          int64_t length) {
  data::Traces images = EasyTraces(classes, images_per_class, length);
  images.kind = data::Kind::kImages;
  images.cells.clear();
  Stream stream(98, Purpose::kSplit);
  for (int64_t i = 0; i < images.count * length; ++i) {
    images.pixels.push_back(static_cast<uint8_t>(stream.Below(256)));
  }
  return images;
}

}  // namespace dfsweep::model
