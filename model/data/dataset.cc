#include "model/data/dataset.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/native_layout.h"

namespace dfsweep::data {
namespace {

static_assert(std::endian::native == std::endian::little,
              "native files are mapped as they are");

constexpr char kImportAgain[] =
    "make it again with 'dfsweep data import <source>'";

struct Shape {
  int64_t count = 0;
  int64_t length = 0;
};

bool WithinLimits(Shape shape) {
  return shape.count >= 1 && shape.count <= kMaxTraces && shape.length >= 1 &&
         shape.length <= kMaxTraceLength &&
         shape.count <= kMaxCells / shape.length;
}

std::string Text(Shape shape) {
  return std::to_string(shape.count) + " traces of " +
         std::to_string(shape.length) + " cells";
}

bool AreDirections(std::span<const int8_t> cells) {
  // No early exit, so that the compiler can vectorise the loop.
  uint8_t worst = 0;
  for (int8_t cell : cells) {
    worst = std::max(worst, static_cast<uint8_t>(cell + 1));
  }
  return worst <= 2;
}

bool HasNegative(std::span<const int64_t> labels) {
  return std::any_of(labels.begin(), labels.end(),
                     [](int64_t label) { return label < 0; });
}

// The shape in X.npy's header. `file` is at least the smallest native file.
Shape ParseShape(std::string_view file, const std::string& where) {
  std::string_view text = file;
  if (!text.starts_with("PK\x03\x04")) {
    throw config::Error("this is not a dataset file: no .npz starts like this",
                        where, kImportAgain);
  }
  text.remove_prefix(kNativeShapePrefixOffset);
  if (!text.starts_with(NativeShapePrefix())) {
    throw config::Error(
        "this .npz is not in dfsweep's native form (X.npy first, int8, stored)",
        where, kImportAgain);
  }
  text.remove_prefix(NativeShapePrefix().size());
  Shape shape;
  const char* end = text.data() + text.size();
  auto count = std::from_chars(text.data(), end, shape.count);
  bool good = count.ec == std::errc() && end - count.ptr > 2 &&
              count.ptr[0] == ',' && count.ptr[1] == ' ';
  if (good) {
    auto length = std::from_chars(count.ptr + 2, end, shape.length);
    good = length.ec == std::errc() && length.ptr != end && *length.ptr == ')';
  }
  if (!good || !WithinLimits(shape)) {
    throw config::Error("the shape of X.npy is unreadable or beyond the limits",
                        where, kImportAgain);
  }
  return shape;
}

// The layout whose size is the file's.
std::vector<NativeMember> FindLayout(Shape shape, uint64_t file_size,
                                     const std::string& where) {
  for (bool groups : {false, true}) {
    std::vector<NativeMember> members =
        NativeMembers(shape.count, shape.length, groups);
    std::vector<uint32_t> no_crcs(members.size());
    if (members.back().end() + NativeTail(members, no_crcs).size() ==
        file_size) {
      return members;
    }
  }
  throw config::Error("the file is cut short or damaged: it has " +
                          std::to_string(file_size) +
                          " bytes, which do not fit " + Text(shape),
                      where, kImportAgain);
}

// Compares every byte outside the arrays with what a native file has there,
// and the checksum of every array.
void CheckFrame(std::string_view file, const std::vector<NativeMember>& members,
                const std::string& where) {
  std::vector<uint32_t> crcs;
  for (const NativeMember& member : members) {
    uint32_t crc;
    std::memcpy(&crc, file.data() + member.offset + kNativeCrcOffset,
                sizeof(crc));
    std::string head = NativeHead(member, crc);
    if (file.substr(member.offset, head.size()) != head) {
      throw config::Error("the header of " + member.name +
                              " is damaged or not as dfsweep writes it",
                          where, kImportAgain);
    }
    uint32_t actual = Crc32(Crc32(0, member.preamble),
                            file.substr(member.data_offset, member.data_size));
    if (actual != crc) {
      throw config::Error(
          "the data of " + member.name + " is damaged: its checksum differs",
          where, kImportAgain);
    }
    crcs.push_back(crc);
  }
  if (file.substr(members.back().end()) != NativeTail(members, crcs)) {
    throw config::Error("the directory at the end differs from the headers",
                        where, kImportAgain);
  }
}

// Closes the descriptor at the end of the scope.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) close(value);
  }
};

void CheckTraces(const Traces& traces) {
  const char* remedy = "this is a fault in the importer: report it";
  Shape shape = {traces.count, traces.length};
  if (!WithinLimits(shape)) {
    throw config::Error("a dataset of " + Text(shape) +
                            " is beyond the limits (at least one trace, at "
                            "most " +
                            std::to_string(kMaxCells) + " cells)",
                        "", "import fewer traces or a smaller length");
  }
  const size_t n = traces.count;
  if (traces.cells.size() != n * traces.length || traces.labels.size() != n ||
      (!traces.groups.empty() && traces.groups.size() != n)) {
    throw config::Error("the arrays do not fit " + Text(shape), "", remedy);
  }
  if (!AreDirections(traces.cells) || HasNegative(traces.labels)) {
    throw config::Error("a cell is not -1, 0 or 1, or a label is negative", "",
                        remedy);
  }
}

template <typename T>
std::string_view Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()),
          values.size() * sizeof(T)};
}

}  // namespace

struct Dataset::Mapping {
  void* address = MAP_FAILED;
  uint64_t size = 0;
  Shape shape;
  std::span<const int8_t> cells;
  std::span<const int64_t> labels;
  std::span<const int64_t> groups;
  std::vector<int64_t> classes;

  ~Mapping() {
    if (address != MAP_FAILED) munmap(address, size);
  }

  void Map(const std::string& where);
  void FindArrays(const std::string& where);
};

void Dataset::Mapping::Map(const std::string& where) {
  const char* remedy = "check the path and its permissions";
  Descriptor file{open(where.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status;
  if (file.value < 0 || fstat(file.value, &status) != 0) {
    throw config::Error(
        std::string("can't open the dataset: ") + std::strerror(errno), where,
        remedy);
  }
  if (!S_ISREG(status.st_mode)) {
    throw config::Error("the dataset is not a regular file", where,
                        kImportAgain);
  }
  std::vector<NativeMember> smallest = NativeMembers(1, 1, false);
  size = status.st_size;
  if (size < smallest.back().end()) {
    throw config::Error("the file is too short for a dataset: " +
                            std::to_string(size) + " bytes",
                        where, kImportAgain);
  }
  address = mmap(nullptr, size, PROT_READ, MAP_SHARED, file.value, 0);
  if (address == MAP_FAILED) {
    throw config::Error(
        std::string("can't map the dataset: ") + std::strerror(errno), where,
        "free some memory, or raise 'ulimit -v'");
  }
}

void Dataset::Mapping::FindArrays(const std::string& where) {
  std::string_view file(static_cast<const char*>(address), size);
  shape = ParseShape(file, where);
  std::vector<NativeMember> members = FindLayout(shape, size, where);
  CheckFrame(file, members, where);
  const size_t n = shape.count;
  auto numbers = [&](size_t member) {
    const char* at = file.data() + members[member].data_offset;
    return std::span(reinterpret_cast<const int64_t*>(at), n);
  };
  cells = {
      reinterpret_cast<const int8_t*>(file.data()) + members[0].data_offset,
      n * shape.length};
  labels = numbers(1);
  if (members.size() > 2) groups = numbers(2);
  if (!AreDirections(cells) || HasNegative(labels)) {
    throw config::Error("a cell is not -1, 0 or 1, or a label is negative",
                        where, kImportAgain);
  }
  classes.assign(labels.begin(), labels.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
}

Dataset::Dataset(const std::filesystem::path& path)
    : mapping_(std::make_unique<Mapping>()) {
  mapping_->Map(path.string());
  mapping_->FindArrays(path.string());
}

Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;

int64_t Dataset::size() const { return mapping_->shape.count; }
int64_t Dataset::length() const { return mapping_->shape.length; }

std::span<const int8_t> Dataset::row(int64_t index) const {
  return mapping_->cells.subspan(index * length(), length());
}

std::span<const int8_t> Dataset::cells() const { return mapping_->cells; }
std::span<const int64_t> Dataset::labels() const { return mapping_->labels; }
std::span<const int64_t> Dataset::groups() const { return mapping_->groups; }

const std::vector<int64_t>& Dataset::classes() const {
  return mapping_->classes;
}

std::string NativeBytes(const Traces& traces) {
  CheckTraces(traces);
  std::vector<NativeMember> members =
      NativeMembers(traces.count, traces.length, !traces.groups.empty());
  std::vector<std::string_view> arrays = {
      Bytes(traces.cells), Bytes(traces.labels), Bytes(traces.groups)};
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
