// NativeBytes: from arrays in memory to the bytes of a native file.
#include <string_view>

#include "model/config/error.h"
#include "model/data/dataset.h"
#include "model/data/dataset_view.h"
#include "model/data/limits.h"
#include "model/data/native_layout.h"

namespace dfsweep::data {
namespace {

constexpr char kOurFault[] = "this is a fault in the importer: report it";

DatasetView ViewOf(const Traces& traces) {
  DatasetView view;
  view.contents = {.count = traces.count,
                   .length = traces.length,
                   .images = traces.kind == Kind::kImages,
                   .groups = !traces.groups.empty(),
                   .split = !traces.split.empty(),
                   .times = !traces.times.empty(),
                   .unmonitored = traces.unmonitored.has_value()};
  view.cells = traces.cells;
  view.pixels = traces.pixels;
  view.labels = traces.labels;
  view.groups = traces.groups;
  view.split = {reinterpret_cast<const uint8_t*>(traces.split.data()),
                traces.split.size()};
  view.times = traces.times;
  view.unmonitored = traces.unmonitored;
  return view;
}

void CheckSizes(const DatasetView& view) {
  const NativeContents& contents = view.contents;
  if (!WithinLimits(contents)) {
    const int64_t most = contents.times ? kMaxTimedCells : kMaxCells;
    throw config::Error(
        "a dataset of " + ShapeText(contents) +
            " is beyond the limits (at least one trace, at most " +
            std::to_string(most) + " cells" +
            (contents.times ? " with their times)" : ")"),
        "", "import fewer traces or a smaller length");
  }
  const size_t n = contents.count, values = n * contents.length;
  auto fits = [](bool present, size_t size, size_t expected) {
    return size == (present ? expected : 0);
  };
  if (!fits(!contents.images, view.cells.size(), values) ||
      !fits(contents.images, view.pixels.size(), values) ||
      view.labels.size() != n ||
      !fits(contents.groups, view.groups.size(), n) ||
      !fits(contents.split, view.split.size(), n) ||
      !fits(contents.times, view.times.size(), values)) {
    throw config::Error("the arrays do not fit " + ShapeText(contents), "",
                        kOurFault);
  }
}

template <typename T>
std::string_view Bytes(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

// The arrays in the order of NativeMembers.
std::vector<std::string_view> ArraysOf(const DatasetView& view) {
  const NativeContents& contents = view.contents;
  std::vector<std::string_view> arrays = {
      contents.images ? Bytes(view.pixels) : Bytes(view.cells),
      Bytes(view.labels)};
  if (contents.groups) arrays.push_back(Bytes(view.groups));
  if (contents.split) arrays.push_back(Bytes(view.split));
  if (contents.times) arrays.push_back(Bytes(view.times));
  if (contents.unmonitored) {
    arrays.push_back(Bytes(std::span(&*view.unmonitored, 1)));
  }
  return arrays;
}

}  // namespace

std::string NativeBytes(const Traces& traces) {
  const DatasetView view = ViewOf(traces);
  CheckSizes(view);
  if (std::string fault = FaultIn(view); !fault.empty()) {
    throw config::Error(fault, "", kOurFault);
  }
  std::vector<NativeMember> members = NativeMembers(view.contents);
  std::vector<std::string_view> arrays = ArraysOf(view);
  std::string file;
  file.reserve(members.back().end() + 1024);
  std::vector<uint32_t> crcs;
  for (size_t i = 0; i < members.size(); ++i) {
    crcs.push_back(Crc32(Crc32(0, members[i].preamble), arrays[i]));
    file += NativeHead(members[i], crcs.back());
    file += arrays[i];
  }
  file += NativeTail(members, crcs);
  return file;
}

}  // namespace dfsweep::data
