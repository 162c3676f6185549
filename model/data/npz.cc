#include "model/data/npz.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "model/config/error.h"
#include "model/data/limits.h"

namespace dfsweep::data {
namespace {

constexpr char kCopyAgain[] =
    "copy or download the file again, or write it again with "
    "numpy.savez_compressed";

[[noreturn]] void FailOpen(const std::string& path, int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (code == ZIP_ER_NOENT || code == ZIP_ER_OPEN) {
    throw config::Error("can't open the file: " + text, path,
                        "check the path and its permissions");
  }
  throw config::Error("this is no intact .npz file: " + text, path, kCopyAgain);
}

// Bytes of one element. Throws for the types that are not read.
int ItemSize(const std::string& type, const std::string& where) {
  if (type.find('O') != std::string::npos) {
    throw config::Error(
        "the array holds Python objects, where only numbers are read", where,
        "in Python, convert it with .astype('int64') and save it again with "
        "numpy.savez_compressed");
  }
  if (type.starts_with('>')) {
    throw config::Error("the array is big-endian (" + type + ")", where,
                        "in Python, convert it: X.astype(X.dtype.newbyteorder("
                        "'<'))");
  }
  int size = 0;
  bool known = type.size() >= 3 && (type[0] == '<' || type[0] == '|') &&
               std::string_view("iufUS").find(type[1]) != std::string::npos;
  if (known) {
    const char* end = type.data() + type.size();
    auto result = std::from_chars(type.data() + 2, end, size);
    known = result.ec == std::errc() && result.ptr == end && size > 0 &&
            size <= kMaxClassNameBytes;
  }
  if (known && type[1] != 'U' && type[1] != 'S') {
    known = size == 1 || size == 2 || size == 4 || size == 8;
  }
  if (!known) {
    throw config::Error("arrays of type '" + type + "' can't be read", where,
                        "save X as int8 or float32, y as int64 or as strings "
                        "of at most " +
                            std::to_string(kMaxClassNameBytes) + " characters");
  }
  return type[1] == 'U' ? 4 * size : size;
}

void CheckMember(const zip_stat_t& member, const std::string& where) {
  constexpr zip_uint64_t kNeeded =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if ((member.valid & kNeeded) != kNeeded) {
    throw config::Error("the zip directory is damaged", where, kCopyAgain);
  }
  if ((member.comp_method != ZIP_CM_STORE &&
       member.comp_method != ZIP_CM_DEFLATE) ||
      ((member.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 &&
       member.encryption_method != ZIP_EM_NONE)) {
    throw config::Error(
        "the member is encrypted or compressed in a way numpy "
        "does not use",
        where, "write it again with numpy.savez_compressed");
  }
}

void CheckExpansion(int64_t elements, const zip_stat_t& member,
                    const std::string& where) {
  if (elements > kFreeElements && elements / kMaxElementsPerCompressedByte >
                                      static_cast<int64_t>(member.comp_size)) {
    throw config::Error("the array expands too much to be traffic: " +
                            std::to_string(elements) + " elements from " +
                            std::to_string(member.comp_size) + " bytes",
                        where,
                        "if it is real, save it uncompressed with numpy.savez");
  }
}

}  // namespace

void NpzArray::Read(void* out, int64_t bytes) {
  char* at = static_cast<char*>(out);
  while (bytes > 0) {
    zip_int64_t got = zip_fread(file_.get(), at, bytes);
    if (got <= 0) {
      throw config::Error(got < 0 ? std::string("the data is damaged: ") +
                                        zip_file_strerror(file_.get())
                                  : "the data ends early",
                          where_, kCopyAgain);
    }
    at += got;
    bytes_read_ += got;
    bytes -= got;
  }
}

std::string NpzArray::ReadHeaderText() {
  unsigned char magic[12] = {};
  Read(magic, 10);
  const int version = magic[6];
  if (std::memcmp(magic, "\x93NUMPY", 6) != 0 || version < 1 || version > 3) {
    throw config::Error("the member is no numpy array", where_, kCopyAgain);
  }
  int64_t size = magic[8] | magic[9] << 8;
  if (version > 1) {  // four bytes of length instead of two
    Read(magic + 10, 2);
    size |= static_cast<int64_t>(magic[10]) << 16 |
            static_cast<int64_t>(magic[11]) << 24;
  }
  if (size > kMaxNpyHeaderBytes) {
    throw config::Error(
        "the array's header claims " + std::to_string(size) + " bytes", where_,
        kCopyAgain);
  }
  std::string text(size, '\0');
  Read(text.data(), size);
  return text;
}

std::string NpzArray::ReadPickle() {
  constexpr int64_t kPieceBytes = 16 << 20;
  std::string bytes;
  // Piece by piece: the size is the zip directory's claim.
  while (bytes_read_ < member_size_) {
    const size_t begin = bytes.size();
    const int64_t piece = std::min(kPieceBytes, member_size_ - bytes_read_);
    bytes.resize(begin + piece);
    Read(bytes.data() + begin, piece);
  }
  Finish();
  return bytes;
}

void NpzArray::Finish() {
  char byte;
  zip_int64_t got = zip_fread(file_.get(), &byte, 1);
  if (got != 0) {
    throw config::Error(got < 0
                            ? std::string("the data is damaged: ") +
                                  zip_file_strerror(file_.get())
                            : "there is more data than the array's shape says",
                        where_, kCopyAgain);
  }
}

NpzFile::NpzFile(const std::filesystem::path& path) : path_(path.string()) {
  int code = 0;
  zip_.reset(zip_open(path_.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (zip_ == nullptr) FailOpen(path_, code);
  zip_int64_t members = zip_get_num_entries(zip_.get(), 0);
  if (members > kMaxZipMembers) {
    throw config::Error("the file has " + std::to_string(members) +
                            " members, more than " +
                            std::to_string(kMaxZipMembers),
                        path_, "save only X, y and group in it");
  }
  for (zip_int64_t i = 0; i < members; ++i) {
    const char* raw = zip_get_name(zip_.get(), i, ZIP_FL_ENC_GUESS);
    std::string name = raw == nullptr ? "" : raw;
    if (!name.ends_with(".npy")) {
      others_.push_back(name);
      continue;
    }
    name.resize(name.size() - 4);
    if (Has(name)) {
      throw config::Error("the file has two members of the same name", path_,
                          kCopyAgain);
    }
    arrays_.push_back(name);
  }
}

bool NpzFile::Has(const std::string& array) const {
  return std::find(arrays_.begin(), arrays_.end(), array) != arrays_.end();
}

NpzArray NpzFile::Open(const std::string& name, Objects objects) const {
  const std::string member = name + ".npy";
  NpzArray array;
  array.where_ = path_ + ": " + member;
  zip_stat_t stat;
  if (zip_stat(zip_.get(), member.c_str(), 0, &stat) != 0) {
    throw config::Error("the file has no such array", array.where_,
                        "save it with numpy.savez_compressed(file, X=X, y=y)");
  }
  CheckMember(stat, array.where_);
  array.file_.reset(zip_fopen_index(zip_.get(), stat.index, 0));
  if (array.file_ == nullptr) {
    throw config::Error(
        std::string("can't read the member: ") + zip_strerror(zip_.get()),
        array.where_, kCopyAgain);
  }

  const std::string text = array.ReadHeaderText();
  array.header_ = ParseNpyHeader(text, array.where_);
  array.member_size_ = static_cast<int64_t>(stat.size);
  if (objects == Objects::kAllowed && array.header_.type == "|O") {
    array.has_objects_ = true;
    CheckExpansion(array.member_size_, stat, array.where_);
    return array;
  }
  array.item_size_ = ItemSize(array.header_.type, array.where_);

  const int64_t elements = array.header_.Elements();
  int64_t size = 0;
  if (__builtin_mul_overflow(elements, array.item_size_, &size) ||
      __builtin_add_overflow(size, array.bytes_read_, &size) ||
      static_cast<zip_uint64_t>(size) != stat.size) {
    throw config::Error("the shape " + ShapeText(array.header_.shape) +
                            " does not fit the member's " +
                            std::to_string(stat.size) + " bytes",
                        array.where_, kCopyAgain);
  }
  CheckExpansion(elements, stat, array.where_);
  if (array.header_.fortran_order && array.header_.shape.size() > 1) {
    throw config::Error("the array is stored by columns (Fortran order)",
                        array.where_,
                        "in Python, save numpy.ascontiguousarray(X) instead");
  }
  return array;
}

}  // namespace dfsweep::data
