#include "model/train/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

namespace dfsweep::model {
namespace {

using config::Json;

constexpr char kMagic[8] = {'D', 'F', 'S', 'W', 'E', 'E', 'P', 1};
constexpr uint32_t kMaxHeaderBytes = 256u << 20;

struct Type {
  const char* name;
  c10::ScalarType type;
};
constexpr Type kTypes[] = {{"f4", at::kFloat},
                           {"f8", at::kDouble},
                           {"i8", at::kLong},
                           {"b1", at::kBool}};

const Type& TypeOf(const torch::Tensor& tensor) {
  for (const Type& type : kTypes) {
    if (tensor.scalar_type() == type.type) return type;
  }
  throw std::logic_error("a checkpoint has no such type of tensor");
}

// Of eight bytes at a time. Each step is a bijection of the sum and of the
// bytes, so that a change of any eight bytes alone always shows.
uint64_t Checksum(std::string_view bytes) {
  uint64_t sum = bytes.size();
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t count = std::min(bytes.size(), sizeof word);
    memcpy(&word, bytes.data(), count);
    bytes.remove_prefix(count);
    sum = (sum ^ word) * 0x9E3779B97F4A7C15;
    sum ^= sum >> 32;
  }
  return sum;
}

// On the CPU, its elements dense in memory, in the order in which they were.
torch::Tensor Dense(const torch::Tensor& tensor) {
  torch::Tensor dense = tensor.detach().cpu();
  return dense.is_non_overlapping_and_dense() ? dense : dense.contiguous();
}

std::string_view BytesOf(const torch::Tensor& dense) {
  if (dense.nbytes() == 0) return {};
  return {static_cast<const char*>(dense.const_data_ptr()), dense.nbytes()};
}

// A file that is removed unless it was kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& path)
      : path_(path),
        descriptor_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                         0600)) {
    Check(descriptor_ >= 0, "can't be created");
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!kept_) unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void Write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      Check(count > 0, "can't be written");
      bytes.remove_prefix(count);
    }
  }

  void Keep(const std::filesystem::path& path) {
    Check(fsync(descriptor_) == 0, "can't be brought to the disk");
    Check(rename(path_.c_str(), path.c_str()) == 0, "can't be renamed");
    kept_ = true;
    const int folder = open(path.parent_path().c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0) close(folder);
    Check(synced, "can't be brought to the disk");
  }

 private:
  void Check(bool good, const char* what) const {
    if (good) return;
    throw CheckpointError("a checkpoint " + std::string(what) + ": " +
                          strerror(errno) + " (" + path_.string() + ")");
  }

  std::filesystem::path path_;
  int descriptor_;
  bool kept_ = false;
};

// Reads a file from its beginning and knows how much is left.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& path)
      : path_(path), stream_(path, std::ios::binary) {
    std::error_code error;
    left_ = std::filesystem::file_size(path, error);
    if (error || !stream_) Fail("can't be read");
  }

  void Read(void* bytes, uint64_t size) {
    if (size > left_) Fail("is cut off");
    stream_.read(static_cast<char*>(bytes), static_cast<std::streamsize>(size));
    if (!stream_) Fail("can't be read");
    left_ -= size;
  }

  uint64_t left() const { return left_; }
  [[noreturn]] void Fail(const std::string& what) const {
    throw CheckpointError("a checkpoint " + what + " (" + path_.string() + ")");
  }

 private:
  std::filesystem::path path_;
  std::ifstream stream_;
  uint64_t left_ = 0;
};

// Whether the elements fill their memory, each its own place: going through the
// dimensions from the innermost out, each stride is the size of those before.
bool IsDense(const std::vector<int64_t>& sizes,
             const std::vector<int64_t>& strides) {
  if (strides.size() != sizes.size()) return false;
  std::vector<std::pair<int64_t, int64_t>> dimensions;  // stride, size
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return true;
    if (sizes[i] > 1) dimensions.emplace_back(strides[i], sizes[i]);
  }
  std::sort(dimensions.begin(), dimensions.end());
  int64_t inner = 1;
  for (const auto& [stride, size] : dimensions) {
    if (stride != inner) return false;
    inner *= size;
  }
  return true;
}

torch::Tensor ReadTensor(const Json& entry, Reader& reader) {
  const auto type_name = entry.at("type").get<std::string>();
  const auto sizes = entry.at("sizes").get<std::vector<int64_t>>();
  const auto strides = entry.at("strides").get<std::vector<int64_t>>();
  for (const Type& type : kTypes) {
    if (type_name != type.name) continue;
    const uint64_t width = c10::elementSize(type.type);
    uint64_t bytes = width;
    for (int64_t size : sizes) {
      if (size < 0) reader.Fail("has a negative size");
      if (size > 0 && bytes > reader.left() / size) reader.Fail("is cut off");
      bytes *= size;
    }
    if (!IsDense(sizes, strides)) reader.Fail("has strides that don't fit");
    torch::Tensor tensor = at::empty_strided(sizes, strides, type.type);
    if (bytes > 0) reader.Read(tensor.mutable_data_ptr(), bytes);
    if (Checksum(BytesOf(tensor)) != entry.at("sum")) {
      reader.Fail("is damaged");
    }
    return tensor;
  }
  reader.Fail("has a tensor of an unknown type");
}

Checkpoint ParseBody(const Json& header, Reader& reader) {
  Checkpoint checkpoint;
  checkpoint.values = header.at("values");
  for (const Json& entry : header.at("tensors")) {
    checkpoint.tensors[entry.at("name").get<std::string>()] =
        ReadTensor(entry, reader);
  }
  if (reader.left() != 0) reader.Fail("is followed by other bytes");
  return checkpoint;
}

Json ReadHeader(Reader& reader) {
  char magic[sizeof kMagic];
  uint64_t numbers[2];
  reader.Read(magic, sizeof magic);
  if (memcmp(magic, kMagic, sizeof magic) != 0) {
    reader.Fail("is not of this version");
  }
  reader.Read(numbers, sizeof numbers);
  if (numbers[1] > kMaxHeaderBytes || numbers[1] > reader.left()) {
    reader.Fail("is cut off");
  }
  std::string header(numbers[1], '\0');
  reader.Read(header.data(), header.size());
  if (Checksum(header) != numbers[0]) reader.Fail("is damaged");
  return Json::parse(header);
}

// Calls `read` with the file's header and the rest of the file.
template <typename Read>
auto ReadFile(const std::filesystem::path& path, Read read) {
  Reader reader(path);
  try {
    return read(ReadHeader(reader), reader);
  } catch (const Json::exception& error) {
    reader.Fail(std::string("has another header: ") + error.what());
  }
}

}  // namespace

void WriteCheckpoint(const Checkpoint& checkpoint,
                     const std::filesystem::path& path) {
  std::vector<torch::Tensor> tensors;
  Json entries = Json::array();
  for (const auto& [name, tensor] : checkpoint.tensors) {
    tensors.push_back(Dense(tensor));
    const torch::Tensor& dense = tensors.back();
    entries.push_back({{"name", name},
                       {"type", TypeOf(dense).name},
                       {"sizes", dense.sizes().vec()},
                       {"strides", dense.strides().vec()},
                       {"sum", Checksum(BytesOf(dense))}});
  }
  const std::string header =
      Json{{"values", checkpoint.values}, {"tensors", entries}}.dump();
  const uint64_t numbers[] = {Checksum(header), header.size()};
  // Trainers that share a folder may write the same stage at once.
  TemporaryFile file(path.string() + "." + std::to_string(getpid()) + ".part");
  file.Write({kMagic, sizeof kMagic});
  file.Write({reinterpret_cast<const char*>(numbers), sizeof numbers});
  file.Write(header);
  for (const torch::Tensor& tensor : tensors) file.Write(BytesOf(tensor));
  file.Keep(path);
}

Checkpoint ReadCheckpoint(const std::filesystem::path& path) {
  return ReadFile(path, ParseBody);
}

Json ReadCheckpointValues(const std::filesystem::path& path) {
  return ReadFile(path, [](const Json& header, Reader&) {
    return Json(header.at("values"));
  });
}

}  // namespace dfsweep::model
