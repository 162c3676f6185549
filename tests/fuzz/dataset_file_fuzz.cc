// A dataset as it lies on a disk: a byte that says under which name, and the
// file. Names decide how a file is read.
#include <iterator>

#include "model/data/dataset.h"
#include "tests/fuzz/imported.h"

namespace dfsweep::fuzz {
namespace {

// The last is the native form, which the trainer opens without an import.
constexpr const char* kNames[] = {
    "set.npz",    "set.zip",    "set.tar",
    "set.tar.gz", "traces/0-0", "images/train-images-idx3-ubyte",
    "native"};

void Open(const std::filesystem::path& path) try {
  const data::Dataset dataset(path);
  Require(dataset.size() > 0, "a dataset has rows");
} catch (const config::Error&) {
}

void Run(Fields input) {
  const std::string name = kNames[input.Byte() % std::size(kNames)];
  const std::filesystem::path path = Folder() / name;
  const bool is_inside = name.find('/') != name.npos;
  if (is_inside) std::filesystem::create_directory(path.parent_path());
  data::WriteBytes(path, input.Rest());
  if (name == "native") return Open(path);
  ImportAndOpen(is_inside ? path.parent_path() : path);
}

}  // namespace
}  // namespace dfsweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dfsweep::fuzz::Run({data, size});
  return 0;
}
