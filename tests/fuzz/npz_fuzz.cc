// The arrays of an .npz whose zip is intact, so that its checksums keep nothing
// from the readers of arrays: pairs of a byte that names the array and a part.
#include <iterator>
#include <map>
#include <string>

#include "tests/fuzz/imported.h"

namespace dfsweep::fuzz {
namespace {

constexpr const char* kNames[] = {"X",         "y",       "data",    "labels",
                                  "direction", "time",    "offsets", "group",
                                  "run",       "x_train", "y_train", "x_test",
                                  "y_test",    "split",   "strange"};

data::Members ReadMembers(Fields input) {
  std::map<std::string, std::string> members;  // a zip has each name once
  while (!input.empty()) {
    const char* name = kNames[input.Byte() % std::size(kNames)];
    members[std::string(name) + ".npy"] = input.Part();
  }
  return {members.begin(), members.end()};
}

}  // namespace
}  // namespace dfsweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dfsweep::fuzz;
  const dfsweep::data::Members members = ReadMembers({data, size});
  const std::filesystem::path path = Folder() / "set.npz";
  dfsweep::data::WriteNpz(path, members);
  ImportAndOpen(path);
  return 0;
}
