// Reads the arrays of an .npz file (a zip of .npy members) through libzip,
// piece by piece, within limits.h.
#ifndef DFSWEEP_MODEL_DATA_NPZ_H_
#define DFSWEEP_MODEL_DATA_NPZ_H_

#include <zip.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/data/npy.h"

namespace dfsweep::data {

// Whether an array may hold Python objects, which are a pickle in the file.
enum class Objects { kRefused, kAllowed };

// One array, read from its first element to its last. Must not outlive its
// NpzFile. Not thread-safe.
class NpzArray {
 public:
  const NpyHeader& header() const { return header_; }
  int item_size() const { return item_size_; }  // bytes; 0 of objects
  bool has_objects() const { return has_objects_; }
  const std::string& where() const { return where_; }  // "file.npz: X.npy"

  // Reads exactly `bytes` into `out`. Throws config::Error if the data ends
  // early or is damaged.
  void Read(void* out, int64_t bytes);

  // All that follows the header, and the checksum checked: of an array of
  // objects, a pickle.
  std::string ReadPickle();

  // Call after the last Read: throws if the checksum differs.
  void Finish();

 private:
  friend class NpzFile;
  struct Close {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };

  // The dictionary after magic, version and length.
  std::string ReadHeaderText();

  std::string where_;
  int64_t bytes_read_ = 0;
  std::unique_ptr<zip_file_t, Close> file_;
  NpyHeader header_;
  int item_size_ = 0;
  bool has_objects_ = false;
  int64_t member_size_ = 0;  // bytes
};

// An open .npz file. Not thread-safe.
class NpzFile {
 public:
  // Throws config::Error if it is no zip, damaged, or beyond the limits.
  explicit NpzFile(const std::filesystem::path& path);

  // Names of the arrays, without ".npy", in the file's order.
  const std::vector<std::string>& arrays() const { return arrays_; }
  // Members that are no arrays.
  const std::vector<std::string>& others() const { return others_; }
  bool Has(const std::string& array) const;

  // Throws config::Error if the array's type can't be read (objects unless
  // allowed; big-endian; Fortran order; complex; …), its size differs from its
  // shape, or it expands like a zip bomb.
  NpzArray Open(const std::string& array,
                Objects objects = Objects::kRefused) const;

 private:
  struct Discard {
    void operator()(zip_t* zip) const { zip_discard(zip); }
  };

  std::string path_;
  std::unique_ptr<zip_t, Discard> zip_;
  std::vector<std::string> arrays_;
  std::vector<std::string> others_;
};

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_NPZ_H_
