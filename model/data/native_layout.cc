#include "model/data/native_layout.h"

#include <array>
#include <cstring>

namespace dfsweep::data {
namespace {

constexpr uint64_t kLocalHeaderSize = 30;
constexpr uint64_t kAlignment = 64;
constexpr uint64_t kNpyMagicSize = 10;  // magic, version, header length

// Little-endian, `size` bytes.
void Append(std::string* out, uint64_t value, int size) {
  for (int i = 0; i < size; ++i) {
    out->push_back(static_cast<char>(value >> (8 * i)));
  }
}

// The npy header, padded so that the array begins on a multiple of kAlignment
// in the zip file. (numpy pads relative to the member instead; readers take
// any length.)
std::string Preamble(const std::string& dictionary, uint64_t offset) {
  uint64_t used = offset + kNpyMagicSize + dictionary.size() + 1;
  std::string header =
      dictionary +
      std::string((kAlignment - used % kAlignment) % kAlignment, ' ') + "\n";
  std::string preamble("\x93NUMPY\x01\x00", 8);
  Append(&preamble, header.size(), 2);
  return preamble + header;
}

void AddMember(std::vector<NativeMember>* members, std::string name,
               const std::string& type, const std::string& shape,
               uint64_t data_size) {
  NativeMember member;
  member.name = std::move(name);
  member.offset = members->empty() ? 0 : members->back().end();
  uint64_t start = member.offset + kLocalHeaderSize + member.name.size();
  member.preamble =
      Preamble("{'descr': '" + type + "', 'fortran_order': False, 'shape': (" +
                   shape + "), }",
               start);
  member.data_offset = start + member.preamble.size();
  member.data_size = data_size;
  members->push_back(std::move(member));
}

// The fields that the local header and the central directory share.
void AppendCommon(std::string* out, const NativeMember& member, uint32_t crc) {
  constexpr int kStored = 0;
  constexpr int kFirstOfJanuary1980 = 0x21;
  uint64_t size = member.preamble.size() + member.data_size;
  Append(out, 20, 2);  // zip version 2.0
  Append(out, 0, 2);   // flags
  Append(out, kStored, 2);
  Append(out, 0, 2);  // midnight
  Append(out, kFirstOfJanuary1980, 2);
  Append(out, crc, 4);
  Append(out, size, 4);
  Append(out, size, 4);
  Append(out, member.name.size(), 2);
  Append(out, 0, 2);  // extra fields
}

using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b] is the checksum of byte b followed by k zero bytes, so that
// eight bytes take one step ("slicing by 8").
constexpr CrcTables MakeCrcTables() {
  CrcTables tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0u);
    }
    tables[0][b] = crc;
  }
  for (uint32_t b = 0; b < 256; ++b) {
    for (int k = 1; k < 8; ++k) {
      uint32_t previous = tables[k - 1][b];
      tables[k][b] = (previous >> 8) ^ tables[0][previous & 255];
    }
  }
  return tables;
}

constexpr CrcTables kCrcTables = MakeCrcTables();

}  // namespace

std::vector<NativeMember> NativeMembers(const NativeContents& contents) {
  const uint64_t n = contents.count;
  const std::string rows = std::to_string(contents.count);
  const std::string shape = rows + ", " + std::to_string(contents.length);
  std::vector<NativeMember> members;
  AddMember(&members, "X.npy", contents.images ? "|u1" : "|i1", shape,
            n * contents.length);
  AddMember(&members, "y.npy", "<i8", rows + ",", n * sizeof(int64_t));
  if (contents.groups) {
    AddMember(&members, "group.npy", "<i8", rows + ",", n * sizeof(int64_t));
  }
  if (contents.split) AddMember(&members, "split.npy", "|u1", rows + ",", n);
  if (contents.times) {
    AddMember(&members, "time.npy", "<f4", shape,
              n * contents.length * sizeof(float));
  }
  if (contents.unmonitored) {
    AddMember(&members, "unmonitored.npy", "<i8", "1,", sizeof(int64_t));
  }
  return members;
}

void FindOptionalMembers(std::string_view file, NativeContents* contents) {
  for (bool NativeContents::*member :
       {&NativeContents::groups, &NativeContents::split, &NativeContents::times,
        &NativeContents::unmonitored}) {
    contents->*member = true;
    const NativeMember last = NativeMembers(*contents).back();
    const uint64_t name = last.offset + kLocalHeaderSize;
    contents->*member =
        name < file.size() && file.substr(name, last.name.size()) == last.name;
  }
}

std::string NativeHead(const NativeMember& member, uint32_t crc) {
  std::string head = "PK\x03\x04";
  AppendCommon(&head, member, crc);
  return head + member.name + member.preamble;
}

std::string NativeTail(const std::vector<NativeMember>& members,
                       const std::vector<uint32_t>& crcs) {
  std::string tail;
  for (size_t i = 0; i < members.size(); ++i) {
    tail += "PK\x01\x02";
    Append(&tail, 20,
           2);  // made by zip version 2.0, on no system in particular
    AppendCommon(&tail, members[i], crcs[i]);
    Append(&tail, 0, 2);  // comment
    Append(&tail, 0, 2);  // disk
    Append(&tail, 0, 2);  // internal attributes
    Append(&tail, 0, 4);  // external attributes
    Append(&tail, members[i].offset, 4);
    tail += members[i].name;
  }
  const uint64_t directory_size = tail.size();
  tail += "PK\x05\x06";
  Append(&tail, 0, 4);  // this disk, the directory's disk
  Append(&tail, members.size(), 2);
  Append(&tail, members.size(), 2);
  Append(&tail, directory_size, 4);
  Append(&tail, members.back().end(), 4);
  Append(&tail, 0, 2);  // comment
  return tail;
}

std::string_view NativeShapePrefix(bool images) {
  return images ? "{'descr': '|u1', 'fortran_order': False, 'shape': ("
                : "{'descr': '|i1', 'fortran_order': False, 'shape': (";
}

uint32_t Crc32(uint32_t crc, std::string_view bytes) {
  crc = ~crc;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    // Written for little-endian machines, the only ones LibTorch wheels exist
    // for.
    uint32_t low, high;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + 4, 4);
    low ^= crc;
    crc = kCrcTables[7][low & 255] ^ kCrcTables[6][(low >> 8) & 255] ^
          kCrcTables[5][(low >> 16) & 255] ^ kCrcTables[4][low >> 24] ^
          kCrcTables[3][high & 255] ^ kCrcTables[2][(high >> 8) & 255] ^
          kCrcTables[1][(high >> 16) & 255] ^ kCrcTables[0][high >> 24];
  }
  for (; left > 0; --left, ++at) {
    crc = (crc >> 8) ^ kCrcTables[0][(crc ^ static_cast<uint8_t>(*at)) & 255];
  }
  return ~crc;
}

}  // namespace dfsweep::data
