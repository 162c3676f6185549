// The bytes around the arrays of a native file: zip and npy headers. They
// depend on nothing but the shape and the arrays' checksums, so the writer
// writes what these functions return and the reader compares with it.
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

// X.npy, y.npy and, if `groups`, group.npy. The numbers are within limits.h.
std::vector<NativeMember> NativeMembers(int64_t count, int64_t length,
                                        bool groups);

// The local zip header and the npy preamble: the bytes
// [member.offset, member.data_offset).
std::string NativeHead(const NativeMember& member, uint32_t crc);

// The zip's central directory: the bytes from members.back().end() to the end.
// `crcs` are the members' checksums, in order.
std::string NativeTail(const std::vector<NativeMember>& members,
                       const std::vector<uint32_t>& crcs);

// Where NativeHead keeps the checksum, counted from member.offset.
inline constexpr uint64_t kNativeCrcOffset = 14;

// What the head of a native file starts with, up to the digits of the shape.
std::string_view NativeShapePrefix();
inline constexpr uint64_t kNativeShapePrefixOffset = 45;

// The zip checksum (CRC-32) of what `crc` is of, followed by `bytes`. Start
// with 0.
uint32_t Crc32(uint32_t crc, std::string_view bytes);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_NATIVE_LAYOUT_H_
