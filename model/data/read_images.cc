// Images with their own split, from Keras's npz or from MNIST's IDX files.
#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "model/config/error.h"
#include "model/data/gzip.h"
#include "model/data/images.h"
#include "model/data/limits.h"
#include "model/data/npz_values.h"

namespace dfsweep::data {
namespace {

namespace fs = std::filesystem;

// The images and labels of one side.
struct Part {
  std::vector<int64_t> shape;  // [n, …]
  std::vector<uint8_t> pixels;
  std::vector<int64_t> labels;
  std::string where;
};

void CheckImageShape(const std::vector<int64_t>& shape,
                     const std::string& where) {
  const int64_t most = std::min(kMaxCells, kMaxTraces * kMaxTraceLength);
  int64_t pixels = 1;
  bool good = shape.size() >= 2 && shape.size() <= 4;
  for (int64_t size : shape) {
    good = good && size >= 1 && !__builtin_mul_overflow(pixels, size, &pixels);
  }
  if (good && pixels <= most && pixels / shape[0] <= kMaxTraceLength &&
      shape[0] <= kMaxTraces) {
    return;
  }
  throw config::Error(
      "the images' shape has no meaning, or is beyond the "
      "limits",
      where, "give images as (count, height, width) of uint8");
}

void Append(Part part, Side side, Source* source) {
  Traces& traces = source->traces;
  const int64_t count = part.shape[0];
  const int64_t length = static_cast<int64_t>(part.pixels.size()) / count;
  if (traces.length != 0 && traces.length != length) {
    throw config::Error("training and test images differ in size", part.where,
                        "give a set whose images all have one size");
  }
  traces.length = length;
  traces.count += count;
  traces.pixels.insert(traces.pixels.end(), part.pixels.begin(),
                       part.pixels.end());
  traces.labels.insert(traces.labels.end(), part.labels.begin(),
                       part.labels.end());
  traces.split.insert(traces.split.end(), count, side);
}

Source Assemble(Part train, Part test, const std::string& form) {
  Source source;
  source.traces.kind = Kind::kImages;
  source.format = Format::kImages;
  source.description = form;
  const std::vector<int64_t>& shape = train.shape;
  for (size_t i = 1; i < shape.size(); ++i) {
    source.description += (i == 1 ? " of " : " × ") + std::to_string(shape[i]);
  }
  source.description += " pixels";
  Append(std::move(train), Side::kTrain, &source);
  Append(std::move(test), Side::kTest, &source);
  return source;
}

Part ReadPart(const NpzFile& file, const std::string& side) {
  Part part;
  NpzArray x = file.Open("x_" + side);
  part.where = x.where();
  part.shape = x.header().shape;
  if (x.header().type != "|u1") {
    throw config::Error("the images have the type '" + x.header().type + "'",
                        x.where(),
                        "save images as uint8, 0 to 255; save traces as one X "
                        "and one y with 'split' (0 train, 1 validation, 2 "
                        "test)");
  }
  CheckImageShape(part.shape, x.where());
  part.pixels.resize(x.header().Elements());
  x.Read(part.pixels.data(), part.pixels.size());
  x.Finish();
  part.labels = ReadLabels(file.Open("y_" + side), part.shape[0]).numbers;
  if (part.labels.empty()) {
    throw config::Error("the labels are no numbers", x.where(),
                        "number the classes from 0");
  }
  return part;
}

// ---- IDX: magic 0 0 <type> <dimensions>, big-endian sizes, the data ----

// The words of the files' names, which differ in '-' and '.' from site to site.
std::string IdxRole(const fs::path& path) {
  std::string name = path.filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  std::replace(name.begin(), name.end(), '.', '-');
  static const std::set<std::string> kRoles = {
      "train-images-idx3-ubyte", "train-labels-idx1-ubyte",
      "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  return kRoles.contains(name) ? name : "";
}

fs::path FindIdx(const fs::path& folder, const std::string& role) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && IdxRole(entry.path()) == role) {
      return entry.path();
    }
  }
  throw config::Error("the folder has no " + role, folder.string(),
                      "put the four files of MNIST into it, as they are or "
                      "gzipped");
}

[[noreturn]] void FailIdx(const fs::path& path, const std::string& what) {
  throw config::Error("this is no intact IDX file: " + what, path.string(),
                      "download the file again");
}

// An array of bytes and its shape.
std::string ReadIdxFile(const fs::path& path, size_t dimensions,
                        std::vector<int64_t>* shape) {
  std::string bytes = ReadMaybeGzip(path);
  constexpr char kUnsignedByte = 8;
  const std::string magic = {0, 0, kUnsignedByte,
                             static_cast<char>(dimensions)};
  const size_t header = 4 + 4 * dimensions;
  if (!bytes.starts_with(magic) || bytes.size() < header) {
    FailIdx(path, "its first bytes differ");
  }
  int64_t total = 1;
  for (size_t i = 0; i < dimensions; ++i) {
    uint32_t size = 0;
    for (size_t at = 4 + 4 * i; at < 8 + 4 * i; ++at) {
      size = size << 8 | static_cast<uint8_t>(bytes[at]);
    }
    shape->push_back(size);
    if (__builtin_mul_overflow(total, size, &total)) {
      FailIdx(path, "its shape has no meaning");
    }
  }
  if (static_cast<uint64_t>(total) != bytes.size() - header) {
    FailIdx(path, "its size differs from its shape");
  }
  return bytes.substr(header);
}

Part ReadIdxPart(const fs::path& folder, const std::string& side,
                 Source* names) {
  Part part;
  const fs::path x = FindIdx(folder, side + "-images-idx3-ubyte");
  const fs::path y = FindIdx(folder, side + "-labels-idx1-ubyte");
  part.where = x.string();
  const std::string pixels = ReadIdxFile(x, 3, &part.shape);
  CheckImageShape(part.shape, part.where);
  part.pixels.assign(pixels.begin(), pixels.end());
  std::vector<int64_t> shape;
  for (char label : ReadIdxFile(y, 1, &shape)) {
    part.labels.push_back(static_cast<uint8_t>(label));
  }
  CheckLabels({.numbers = part.labels}, part.shape[0], y.string());
  for (const fs::path& path : {x, y}) {
    names->files.push_back(path.filename().string());
  }
  return part;
}

}  // namespace

bool HasImages(const NpzFile& file) {
  return file.Has("x_train") && file.Has("x_test");
}

Source ReadImages(const NpzFile& file, const std::string& path) {
  for (const char* labels : {"y_train", "y_test"}) {
    if (file.Has(labels)) continue;
    throw config::Error(std::string("the file has images but no ") + labels,
                        path, "save x_train, y_train, x_test and y_test");
  }
  return Assemble(ReadPart(file, "train"), ReadPart(file, "test"),
                  "npz of images");
}

bool IsIdxSet(const fs::path& path) {
  if (!fs::is_directory(path)) return !IdxRole(path).empty();
  return std::any_of(fs::directory_iterator(path), fs::directory_iterator(),
                     [](const fs::directory_entry& entry) {
                       return !IdxRole(entry.path()).empty();
                     });
}

Source ReadIdx(const fs::path& path, const ImportOptions& options) {
  if (options.format != Format::kAuto && options.format != Format::kImages) {
    throw config::Error("IDX files hold images", path.string(),
                        "import with --format auto");
  }
  const fs::path folder = fs::is_directory(path) ? path : path.parent_path();
  const fs::path here = folder.empty() ? fs::path(".") : folder;
  Source names;
  Part train = ReadIdxPart(here, "train", &names);
  Part test = ReadIdxPart(here, "t10k", &names);
  Source source =
      Assemble(std::move(train), std::move(test), "IDX files of images");
  source.files = std::move(names.files);
  return source;
}

}  // namespace dfsweep::data
