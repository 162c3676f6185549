// The bytes around the arrays of a native file: zip and npy headers. They
// depend on nothing but the contents' shapes and the arrays' checksums, so the
// writer writes what these functions return and the reader compares with it.
#ifndef DFSWEEP_MODEL_DATA_NATIVE_LAYOUT_H_
#define DFSWEEP_MODEL_DATA_NATIVE_LAYOUT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dfsweep::data {

struct NativeMember {
  std::string name;          // "X.npy"
  std::string preamble;      // npy magic and header; the array follows it
  uint64_t offset = 0;       // of the local zip header, in the file
  uint64_t data_offset = 0;  // of the array; a multiple of 64, so that the
                             // mapped array is aligned
  uint64_t data_size = 0;    // bytes
  uint64_t end() const { return data_offset + data_size; }
};

// What a native file holds. The numbers are within limits.h.
struct NativeContents {
  int64_t count = 0;    // rows
  int64_t length = 0;   // cells or pixels a row
  bool images = false;  // X is uint8 pixels, not int8 directions
  // The optional members.
  bool groups = false, split = false, times = false, unmonitored = false;
};

// X.npy, y.npy and the optional members, in the order of NativeContents.
std::vector<NativeMember> NativeMembers(const NativeContents& contents);

// The optional members that a file has, found by their names at the places
// where they would have to be. Everything else in `contents` must be set.
void FindOptionalMembers(std::string_view file, NativeContents* contents);

// The local zip header and the npy preamble: the bytes
// [member.offset, member.data_offset).
std::string NativeHead(const NativeMember& member, uint32_t crc);

// The zip's central directory: the bytes from members.back().end() to the end.
// `crcs` are the members' checksums, in order.
std::string NativeTail(const std::vector<NativeMember>& members,
                       const std::vector<uint32_t>& crcs);

// Where NativeHead keeps the checksum, counted from member.offset.
inline constexpr uint64_t kNativeCrcOffset = 14;

// What X.npy's header starts with, up to the digits of the shape.
std::string_view NativeShapePrefix(bool images);
inline constexpr uint64_t kNativeShapePrefixOffset = 45;

// The zip checksum (CRC-32) of what `crc` is of, followed by `bytes`. Start
// with 0.
uint32_t Crc32(uint32_t crc, std::string_view bytes);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_NATIVE_LAYOUT_H_
