#ifndef DFSWEEP_MODEL_DATA_LIMITS_H_
#define DFSWEEP_MODEL_DATA_LIMITS_H_

#include <cstdint>

namespace dfsweep::data {

// What a data file may demand of this program. Every reader in this folder
// checks these before it allocates, so that a hostile file costs little memory.

// One dataset. The Deep Fingerprinting set has 95,000 traces and 0.5e9 cells.
// Together the three keep a native file below the 4 GiB that zip's 32-bit
// offsets can express (a byte a cell, 17 bytes a trace for label, group and
// side of the split). A cell with a time takes four bytes more.
inline constexpr int64_t kMaxCells = 3'900'000'000;
inline constexpr int64_t kMaxTimedCells = 780'000'000;
inline constexpr int64_t kMaxTraces = 20'000'000;
inline constexpr int64_t kMaxTraceLength = 1'000'000;
static_assert(kMaxCells + 17 * kMaxTraces + 4096 < INT64_C(1) << 32);
static_assert(5 * kMaxTimedCells <= kMaxCells);

// Labels are class numbers, not hashes: programs make tables of this size.
inline constexpr int64_t kMaxLabel = 999'999;
inline constexpr int64_t kMaxClassNameBytes = 128;

// An .npz file.
inline constexpr int64_t kMaxZipMembers = 64;
inline constexpr int64_t kMaxNpyHeaderBytes = 65'536;

// A zip bomb: more array elements than this for a byte of compressed data, in
// an array of more than kFreeElements. Real traces reach 110 as int8 (easy
// pages, mostly padding); a deflated array of equal bytes reaches 1,030.
inline constexpr int64_t kMaxElementsPerCompressedByte = 500;
inline constexpr int64_t kFreeElements = 64 << 20;

// A pickle. Lists, arrays, strings and memo entries (a row that is a list takes
// one, a row that is an array up to eight); values on the stack; marks that are
// open at once, so levels of nesting (an array of lists has 4).
inline constexpr int64_t kMaxPickleObjects = 8'000'000;
inline constexpr int64_t kMaxPickleStack = 4'000'000;
inline constexpr int64_t kMaxPickleDepth = 64;

// A folder or an archive of text traces.
inline constexpr int64_t kMaxTextFiles = 2'000'000;
inline constexpr int64_t kMaxTextFileBytes = 64 << 20;

// An archive bomb: more text than this for a byte of the archive, beyond
// kFreeTextBytes. Text traces are packed to a third or a tenth.
inline constexpr int64_t kMaxTextExpansion = 200;
inline constexpr int64_t kFreeTextBytes = 64 << 20;

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_LIMITS_H_
