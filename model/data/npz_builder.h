// For tests: makes .npz files, well-formed or not.
#ifndef DFSWEEP_MODEL_DATA_NPZ_BUILDER_H_
#define DFSWEEP_MODEL_DATA_NPZ_BUILDER_H_

#include <unistd.h>
#include <zip.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dfsweep::data {

// The bytes of an .npy with this header text around these data.
inline std::string RawNpy(const std::string& header, std::string_view data) {
  std::string npy("\x93NUMPY\x01\x00", 8);
  npy.push_back(static_cast<char>(header.size()));
  npy.push_back(static_cast<char>(header.size() >> 8));
  return npy + header + std::string(data);
}

// `shape` as Python writes it: "(3, 4)".
template <typename T>
std::string Npy(const std::string& type, const std::string& shape,
                const std::vector<T>& values) {
  return RawNpy("{'descr': '" + type +
                    "', 'fortran_order': False, 'shape': " + shape + ", }\n",
                {reinterpret_cast<const char*>(values.data()),
                 values.size() * sizeof(T)});
}

using Members = std::vector<std::pair<std::string, std::string>>;

inline void WriteNpz(const std::filesystem::path& path, const Members& members,
                     bool deflate = true) {
  std::filesystem::remove(path);
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  for (const auto& [name, bytes] : members) {
    zip_source_t* source =
        zip_source_buffer(zip, bytes.data(), bytes.size(), 0);
    zip_int64_t index = zip_file_add(zip, name.c_str(), source, 0);
    zip_set_file_compression(zip, index,
                             deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 6);
  }
  if (zip_close(zip) != 0) throw std::runtime_error("can't write a test file");
}

inline std::string ReadBytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void WriteBytes(const std::filesystem::path& path,
                       std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A folder of its own, removed at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "dfsweep_data.XXXXXX")
            .string();
    if (mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("can't make a temporary folder");
    }
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

// Two classes of two short traces; 4 x 6 cells.
inline std::vector<int8_t> SmallCells() {
  return {1, -1, -1, 1,  0, 0,  //
          1, -1, 1,  -1, 1, 0,  //
          1, 1,  -1, 0,  0, 0,  //
          1, -1, -1, -1, 1, -1};
}
inline std::vector<int64_t> SmallLabels() { return {0, 0, 1, 1}; }

inline Members SmallMembers() {
  return {{"X.npy", Npy("|i1", "(4, 6)", SmallCells())},
          {"y.npy", Npy("<i8", "(4,)", SmallLabels())}};
}

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_NPZ_BUILDER_H_
