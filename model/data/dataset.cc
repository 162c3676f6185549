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
#include <limits>
#include <string_view>

#include "model/config/error.h"
#include "model/data/dataset_view.h"
#include "model/data/native_layout.h"

namespace dfsweep::data {
namespace {

static_assert(std::endian::native == std::endian::little,
              "native files are mapped as they are");

constexpr char kImportAgain[] =
    "make it again with 'dfsweep data import <source>'";

// Kind and shape, from X.npy's header. `file` is at least the smallest native
// file.
NativeContents ParseShape(std::string_view file, const std::string& where) {
  std::string_view text = file;
  if (!text.starts_with("PK\x03\x04")) {
    throw config::Error("this is not a dataset file: no .npz starts like this",
                        where, kImportAgain);
  }
  text.remove_prefix(kNativeShapePrefixOffset);
  NativeContents contents;
  contents.images = text.starts_with(NativeShapePrefix(true));
  if (!text.starts_with(NativeShapePrefix(contents.images))) {
    throw config::Error(
        "this .npz is not in dfsweep's native form (X.npy first, int8 or "
        "uint8, stored)",
        where, kImportAgain);
  }
  text.remove_prefix(NativeShapePrefix(contents.images).size());
  const char* end = text.data() + text.size();
  auto count = std::from_chars(text.data(), end, contents.count);
  bool good = count.ec == std::errc() && end - count.ptr > 2 &&
              count.ptr[0] == ',' && count.ptr[1] == ' ';
  if (good) {
    auto length = std::from_chars(count.ptr + 2, end, contents.length);
    good = length.ec == std::errc() && length.ptr != end && *length.ptr == ')';
  }
  if (!good || !WithinLimits(contents)) {
    throw config::Error("the shape of X.npy is unreadable or beyond the limits",
                        where, kImportAgain);
  }
  return contents;
}

// Adds the optional members to `contents`. Throws unless the file has the size
// that all members have together.
std::vector<NativeMember> FindLayout(std::string_view file,
                                     NativeContents* contents,
                                     const std::string& where) {
  FindOptionalMembers(file, contents);
  std::vector<NativeMember> members = NativeMembers(*contents);
  const std::vector<uint32_t> no_crcs(members.size());
  if (!WithinLimits(*contents) ||
      members.back().end() + NativeTail(members, no_crcs).size() !=
          file.size()) {
    throw config::Error("the file is cut short or damaged: it has " +
                            std::to_string(file.size()) +
                            " bytes, which do not fit " + ShapeText(*contents),
                        where, kImportAgain);
  }
  return members;
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

// The array of a member, in place. Its members are aligned for every type.
template <typename T>
std::span<const T> ArrayOf(std::string_view file, const NativeMember& member) {
  return {reinterpret_cast<const T*>(file.data() + member.data_offset),
          member.data_size / sizeof(T)};
}

DatasetView ViewOf(std::string_view file, const NativeContents& contents,
                   const std::vector<NativeMember>& members) {
  DatasetView view;
  view.contents = contents;
  if (contents.images) {
    view.pixels = ArrayOf<uint8_t>(file, members[0]);
  } else {
    view.cells = ArrayOf<int8_t>(file, members[0]);
  }
  view.labels = ArrayOf<int64_t>(file, members[1]);
  auto next = members.begin() + 2;
  if (contents.groups) view.groups = ArrayOf<int64_t>(file, *next++);
  if (contents.split) view.split = ArrayOf<uint8_t>(file, *next++);
  if (contents.times) view.times = ArrayOf<float>(file, *next++);
  if (contents.unmonitored) {
    view.unmonitored = ArrayOf<int64_t>(file, *next).front();
  }
  return view;
}

}  // namespace

struct Dataset::Mapping {
  std::string path;
  void* address = MAP_FAILED;
  uint64_t size = 0;
  DatasetView view;
  std::vector<int64_t> two_labels;  // `view.labels`, if they are merged
  std::vector<int64_t> classes;

  ~Mapping() {
    if (address != MAP_FAILED) munmap(address, size);
  }

  std::string_view file() const {
    return {static_cast<const char*>(address), size};
  }
  void Map();
  void FindArrays();
  void MergeMonitored();
  void FindClasses();
  void Require(Kind kind) const;
};

void Dataset::Mapping::Map() {
  const std::string& where = path;
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
  std::vector<NativeMember> smallest = NativeMembers({.count = 1, .length = 1});
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

void Dataset::Mapping::FindArrays() {
  NativeContents contents = ParseShape(file(), path);
  std::vector<NativeMember> members = FindLayout(file(), &contents, path);
  CheckFrame(file(), members, path);
  view = ViewOf(file(), contents, members);
  if (std::string fault = FaultIn(view); !fault.empty()) {
    throw config::Error(fault, path, kImportAgain);
  }
}

void Dataset::Mapping::MergeMonitored() {
  if (!view.unmonitored) {
    throw config::Error(
        "a dataset without unmonitored traces has no two classes", path,
        "set data.open_world: standard, or import it with "
        "--unmonitored");
  }
  auto is_monitored = [&](int64_t label) { return label != *view.unmonitored; };
  two_labels.assign(view.labels.begin(), view.labels.end());
  int64_t monitored = std::numeric_limits<int64_t>::max();
  for (int64_t label : two_labels) {
    if (is_monitored(label)) monitored = std::min(monitored, label);
  }
  std::replace_if(two_labels.begin(), two_labels.end(), is_monitored,
                  monitored);
  view.labels = two_labels;
}

void Dataset::Mapping::FindClasses() {
  classes.assign(view.labels.begin(), view.labels.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
}

void Dataset::Mapping::Require(Kind kind) const {
  if (view.contents.images == (kind == Kind::kImages)) return;
  if (kind == Kind::kTraces) {
    throw config::Error("the dataset has images, where traces are needed", path,
                        "use a dataset of traces, or a model and options that "
                        "take images");
  }
  throw config::Error("the dataset has traces, where images are needed", path,
                      "use a dataset of images, e.g. MNIST");
}

Dataset::Dataset(const std::filesystem::path& path, Labels labels)
    : mapping_(std::make_unique<Mapping>()) {
  mapping_->path = path.string();
  mapping_->Map();
  mapping_->FindArrays();
  if (labels == Labels::kTwoClass) mapping_->MergeMonitored();
  mapping_->FindClasses();
}

Dataset::~Dataset() = default;
Dataset::Dataset(Dataset&&) noexcept = default;

bool Dataset::IsUnchanged() const {
  try {
    CheckFrame(mapping_->file(), NativeMembers(mapping_->view.contents),
               mapping_->path);
    return true;
  } catch (const config::Error&) {
    return false;
  }
}

Kind Dataset::kind() const {
  return mapping_->view.contents.images ? Kind::kImages : Kind::kTraces;
}

int64_t Dataset::size() const { return mapping_->view.contents.count; }
int64_t Dataset::length() const { return mapping_->view.contents.length; }

std::span<const int8_t> Dataset::row(int64_t index) const {
  return cells().subspan(index * length(), length());
}

std::span<const int8_t> Dataset::cells() const {
  mapping_->Require(Kind::kTraces);
  return mapping_->view.cells;
}

std::span<const uint8_t> Dataset::pixels() const {
  mapping_->Require(Kind::kImages);
  return mapping_->view.pixels;
}

std::span<const float> Dataset::times() const { return mapping_->view.times; }
std::span<const int64_t> Dataset::labels() const {
  return mapping_->view.labels;
}
std::span<const int64_t> Dataset::groups() const {
  return mapping_->view.groups;
}

std::span<const Side> Dataset::split() const {
  std::span<const uint8_t> split = mapping_->view.split;
  return {reinterpret_cast<const Side*>(split.data()), split.size()};
}

std::optional<int64_t> Dataset::unmonitored() const {
  return mapping_->view.unmonitored;
}

const std::vector<int64_t>& Dataset::classes() const {
  return mapping_->classes;
}

}  // namespace dfsweep::data
