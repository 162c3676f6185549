// An .npz as a source: X, labels, groups, and what X's numbers mean.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/npz.h"
#include "model/data/source.h"

namespace dfsweep::data {
namespace {

constexpr int64_t kChunkBytes = 4 << 20;

// What tells the formats apart.
struct Statistics {
  double largest = 0;   // of |value|
  bool whole = true;    // all values are whole numbers
  int64_t falling = 0;  // |value| less than that of the cell before
  int64_t pairs = 0;    // cells that have a cell before them
};

template <typename T>
void TakeIntegers(const T* in, int8_t* out, int64_t size,
                  Statistics* statistics) {
  T least = 0, greatest = 0;
  for (int64_t i = 0; i < size; ++i) {
    least = std::min(least, in[i]);
    greatest = std::max(greatest, in[i]);
    out[i] = static_cast<int8_t>((in[i] > 0) - (in[i] < 0));
  }
  statistics->largest =
      std::max({statistics->largest, static_cast<double>(greatest),
                -static_cast<double>(least)});
}

// Returns the index of the first value that is not finite, or -1.
template <typename T>
int64_t TakeReals(const T* in, int8_t* out, int64_t size,
                  Statistics* statistics) {
  T before = 0;
  for (int64_t i = 0; i < size; ++i) {
    const T value = in[i];
    if (!std::isfinite(value)) return i;
    if (value == 0) {
      out[i] = std::signbit(value) ? kNegativeZero : 0;
      continue;
    }
    const T size_of = std::abs(value);
    out[i] = value > 0 ? 1 : -1;
    statistics->pairs += before != 0;
    statistics->falling += size_of < before;
    statistics->whole &= size_of == std::floor(size_of);
    statistics->largest =
        std::max(statistics->largest, static_cast<double>(size_of));
    before = size_of;
  }
  return -1;
}

template <typename T>
void ReadCells(NpzArray* array, Traces* traces, Statistics* statistics) {
  const int64_t length = traces->length;
  const int64_t rows_at_once =
      std::max<int64_t>(1, kChunkBytes / (length * sizeof(T)));
  std::vector<T> buffer(std::min(rows_at_once, traces->count) * length);
  traces->cells.reserve(traces->count * length);
  for (int64_t row = 0; row < traces->count; row += rows_at_once) {
    const int64_t rows = std::min(rows_at_once, traces->count - row);
    array->Read(buffer.data(), rows * length * sizeof(T));
    traces->cells.resize((row + rows) * length);
    for (int64_t i = 0; i < rows; ++i) {
      const T* in = buffer.data() + i * length;
      int8_t* out = traces->cells.data() + (row + i) * length;
      if constexpr (std::is_integral_v<T>) {
        TakeIntegers(in, out, length, statistics);
      } else if (int64_t bad = TakeReals(in, out, length, statistics);
                 bad >= 0) {
        throw config::Error("X[" + std::to_string(row + i) + ", " +
                                std::to_string(bad) + "] is not finite",
                            array->where(),
                            "remove the trace, or replace what follows its "
                            "last cell by 0");
      }
    }
  }
  array->Finish();
}

void CheckShape(const NpzArray& array) {
  const std::vector<int64_t>& shape = array.header().shape;
  if (shape.size() != 2) {
    throw config::Error(
        "X has the shape " + ShapeText(shape) + ", not (traces, cells)",
        array.where(), "save one row a trace, padded with 0 at the end");
  }
  if (shape[0] < 1 || shape[1] < 1) {
    throw config::Error("X is empty: its shape is " + ShapeText(shape),
                        array.where(), "check how the file was written");
  }
  if (shape[0] > kMaxTraces || shape[1] > kMaxTraceLength ||
      shape[0] > kMaxCells / shape[1]) {
    throw config::Error(
        "X is too large: " + ShapeText(shape) + "; the limit is " +
            std::to_string(kMaxCells) + " cells",
        array.where(), "import fewer traces, or cut them: X[:, :5000]");
  }
}

Statistics ReadX(NpzArray array, Traces* traces) {
  CheckShape(array);
  traces->count = array.header().shape[0];
  traces->length = array.header().shape[1];
  Statistics statistics;
  const std::string& type = array.header().type;
  if (type == "|i1") {
    ReadCells<int8_t>(&array, traces, &statistics);
  } else if (type == "<i2") {
    ReadCells<int16_t>(&array, traces, &statistics);
  } else if (type == "<i4") {
    ReadCells<int32_t>(&array, traces, &statistics);
  } else if (type == "<i8") {
    ReadCells<int64_t>(&array, traces, &statistics);
  } else if (type == "<f4") {
    ReadCells<float>(&array, traces, &statistics);
  } else if (type == "<f8") {
    ReadCells<double>(&array, traces, &statistics);
  } else {
    throw config::Error("X has the type '" + type + "'", array.where(),
                        "save X as a signed integer or a float type, e.g. "
                        "X.astype('int8')");
  }
  return statistics;
}

// Ethernet frames carry at most about 1,500 bytes; values that never reach 50
// are not sizes of packets.
constexpr double kLeastLargestPacket = 50;
constexpr double kLargestPacket = 1600;
constexpr double kMaxFallingTimes = 0.01;

Format FormatOf(const Statistics& statistics, const std::string& where) {
  const bool rising = statistics.pairs > 0 &&
                      statistics.falling <= kMaxFallingTimes * statistics.pairs;
  if (statistics.whole && statistics.largest <= 1) return Format::kDirections;
  if (statistics.whole && statistics.largest >= kLeastLargestPacket &&
      statistics.largest <= kLargestPacket) {
    return Format::kLengths;
  }
  if (rising) return Format::kTimed;
  throw config::Error(
      "the numbers in X are no directions (-1, 0, 1), no packet lengths (up to "
      "1,600) and no direction × time (never falling); the largest is " +
          std::to_string(statistics.largest),
      where,
      "if you know what they are, say so with --format directions, lengths or "
      "wflib");
}

std::string Describe(Format format, const std::string& type) {
  const std::string end = " (" + type + ")";
  switch (format) {
    case Format::kLengths:
      return "npz of signed packet lengths, of which the sign is taken" + end;
    case Format::kTimed:
      return "npz of direction × time (WFlib), of which the sign is taken" +
             end;
    default:
      return "npz of directions" + end;
  }
}

template <typename T>
std::vector<int64_t> ReadIntegersAs(NpzArray* array) {
  std::vector<T> raw(array->header().Elements());
  array->Read(raw.data(), raw.size() * sizeof(T));
  array->Finish();
  for (T value : raw) {
    if (std::is_unsigned_v<T> &&
        static_cast<uint64_t>(value) >
            static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      throw config::Error("a number is beyond 64-bit signed", array->where(),
                          "save it as int64");
    }
  }
  return {raw.begin(), raw.end()};
}

std::vector<int64_t> ReadIntegers(NpzArray* array) {
  const std::string& type = array->header().type;
  if (type == "|i1") return ReadIntegersAs<int8_t>(array);
  if (type == "|u1") return ReadIntegersAs<uint8_t>(array);
  if (type == "<i2") return ReadIntegersAs<int16_t>(array);
  if (type == "<u2") return ReadIntegersAs<uint16_t>(array);
  if (type == "<i4") return ReadIntegersAs<int32_t>(array);
  if (type == "<u4") return ReadIntegersAs<uint32_t>(array);
  if (type == "<i8") return ReadIntegersAs<int64_t>(array);
  if (type == "<u8") return ReadIntegersAs<uint64_t>(array);
  throw config::Error("the array has the type '" + type + "', not integers",
                      array->where(), "convert it with .astype('int64')");
}

// Throws unless the array is 1-D with a number for each trace.
void CheckPerTrace(const NpzArray& array, int64_t count) {
  const std::vector<int64_t>& shape = array.header().shape;
  if (shape.size() == 2) {
    throw config::Error(
        "the labels are 2-D " + ShapeText(shape) +
            ", as for several pages in one trace (multi-tab); dfsweep "
            "classifies one page a trace",
        array.where(),
        "use a single-tab set; if each row has exactly one 1, save "
        "y.argmax(axis=1)");
  }
  if (shape.size() != 1 || shape[0] != count) {
    throw config::Error("the array has the shape " + ShapeText(shape) +
                            ", but X has " + std::to_string(count) + " traces",
                        array.where(), "save one number for each row of X");
  }
}

// A code point as UTF-8; 0 gives nothing, since numpy pads strings with it.
void AppendUtf8(std::string* out, uint32_t code, const std::string& where) {
  if (code == 0) return;
  if (code < 0x20 || code == 0x7F || code > 0x10FFFF ||
      (code >= 0xD800 && code < 0xE000)) {
    throw config::Error("a class name has a control or invalid character",
                        where, "use letters, digits, '.', '-' and '_'");
  }
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
    return;
  }
  const int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const int lead[] = {0, 0xC0, 0xE0, 0xF0};
  out->push_back(static_cast<char>(lead[tail] | code >> (6 * tail)));
  for (int i = tail - 1; i >= 0; --i) {
    out->push_back(static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F)));
  }
}

// <U (four bytes a character) or |S (one byte, ASCII).
std::vector<std::string> ReadStrings(NpzArray* array, bool wide) {
  const int width = array->item_size();
  std::vector<unsigned char> item(width);
  std::vector<std::string> names;
  for (int64_t i = 0; i < array->header().Elements(); ++i) {
    array->Read(item.data(), width);
    std::string name;
    for (int at = 0; at < width; at += wide ? 4 : 1) {
      uint32_t code = item[at];
      if (wide) {
        code |= item[at + 1] << 8 | item[at + 2] << 16 |
                static_cast<uint32_t>(item[at + 3]) << 24;
      } else if (code >= 0x80) {
        code = 0xFFFFFFFF;  // no ASCII: refused below
      }
      AppendUtf8(&name, code, array->where());
    }
    if (name.empty()) {
      throw config::Error(
          "the label of trace " + std::to_string(i) + " is an empty string",
          array->where(), "give every trace a label");
    }
    names.push_back(std::move(name));
  }
  array->Finish();
  return names;
}

void ReadLabels(NpzArray array, Source* source) {
  CheckPerTrace(array, source->traces.count);
  const char kind = array.header().type[1];
  if (kind == 'U' || kind == 'S') {
    source->traces.labels =
        NumberNames(ReadStrings(&array, kind == 'U'), "", &source->class_names);
    return;
  }
  source->traces.labels = ReadIntegers(&array);
  for (int64_t label : source->traces.labels) {
    if (label < 0 || label > kMaxLabel) {
      throw config::Error("the label " + std::to_string(label) +
                              " is not between 0 and " +
                              std::to_string(kMaxLabel),
                          array.where(),
                          "number the classes from 0; leave out traces that "
                          "have no label");
    }
  }
}

// The first of the names that the file has, or "".
std::string Choose(const NpzFile& file, std::vector<std::string> names) {
  for (const std::string& name : names) {
    if (file.Has(name)) return name;
  }
  return "";
}

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + ("'" + name + "'");
  }
  return text.empty() ? "nothing" : text;
}

void WarnOfUnread(const NpzFile& file, const std::vector<std::string>& read,
                  Source* source) {
  std::vector<std::string> unread = file.others();
  for (const std::string& name : file.arrays()) {
    if (std::find(read.begin(), read.end(), name) == read.end()) {
      unread.push_back(name);
    }
  }
  if (!unread.empty()) {
    source->warnings.push_back("the file's members " + Join(unread) +
                               " were not read; only X, y and group (or data, "
                               "labels and run) have a meaning");
  }
}

}  // namespace

Source ReadNpz(const std::filesystem::path& path,
               const ImportOptions& options) {
  if (options.format == Format::kText) {
    throw config::Error("text traces come as a folder, and this is a file",
                        path.string(), "give the folder, or --format auto");
  }
  NpzFile file(path);
  const std::string x = Choose(file, {"X", "data"});
  const std::string y = Choose(file, {"y", "labels"});
  const std::string group = Choose(file, {"group", "run"});
  if (x.empty() || y.empty()) {
    throw config::Error(
        "the file has no " + std::string(x.empty() ? "X" : "labels (y)") +
            "; it has " + Join(file.arrays()),
        path.string(), "save it with numpy.savez_compressed(file, X=X, y=y)");
  }
  Source source;
  NpzArray array = file.Open(x);
  const std::string type = array.header().type;
  const std::string where = array.where();
  Statistics statistics = ReadX(std::move(array), &source.traces);
  source.format = options.format == Format::kAuto ? FormatOf(statistics, where)
                                                  : options.format;
  if (source.format == Format::kDirections &&
      (statistics.largest > 1 || !statistics.whole)) {
    throw config::Error("X has numbers other than -1, 0 and 1", where,
                        "import with --format auto");
  }
  source.description = Describe(source.format, type);
  ReadLabels(file.Open(y), &source);
  if (!group.empty()) {
    NpzArray groups = file.Open(group);
    CheckPerTrace(groups, source.traces.count);
    source.traces.groups = ReadIntegers(&groups);
  }
  WarnOfUnread(file, {x, y, group}, &source);
  return source;
}

}  // namespace dfsweep::data
