#include "model/data/npz_values.h"

#include <cstring>
#include <limits>
#include <type_traits>

#include "model/config/error.h"
#include "model/data/pickled_arrays.h"
#include "model/data/utf8.h"

namespace dfsweep::data {
namespace {

template <typename T>
std::vector<int64_t> IntegersAs(NpzArray* array) {
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

template <typename T>
void NumbersAs(NpzArray* array, int64_t count, std::vector<double>* out) {
  std::vector<T> raw(count);
  array->Read(raw.data(), count * sizeof(T));
  out->assign(raw.begin(), raw.end());
}

// <U (four bytes a character) or |S (one byte, ASCII). Both end in zeros.
std::vector<std::string> ReadStrings(NpzArray* array, bool wide) {
  std::string item(array->item_size(), '\0');
  std::vector<std::string> names;
  for (int64_t i = 0; i < array->header().Elements(); ++i) {
    array->Read(item.data(), item.size());
    std::string name;
    for (size_t at = 0; at < item.size(); at += wide ? 4 : 1) {
      uint32_t code = 0;
      std::memcpy(&code, item.data() + at, wide ? 4 : 1);  // little-endian
      if (code == 0) continue;
      if ((!wide && code >= 0x80) || !AppendUtf8(&name, code)) {
        throw config::Error("a class name has a control or invalid character",
                            array->where(),
                            "use letters, digits, '.', '-' and '_'");
      }
    }
    names.push_back(std::move(name));
  }
  array->Finish();
  return names;
}

}  // namespace

std::vector<int64_t> ReadIntegers(NpzArray* array) {
  const std::string& type = array->header().type;
  if (type == "|i1") return IntegersAs<int8_t>(array);
  if (type == "|u1") return IntegersAs<uint8_t>(array);
  if (type == "<i2") return IntegersAs<int16_t>(array);
  if (type == "<u2") return IntegersAs<uint16_t>(array);
  if (type == "<i4") return IntegersAs<int32_t>(array);
  if (type == "<u4") return IntegersAs<uint32_t>(array);
  if (type == "<i8") return IntegersAs<int64_t>(array);
  if (type == "<u8") return IntegersAs<uint64_t>(array);
  throw config::Error("the array has the type '" + type + "', not integers",
                      array->where(), "convert it with .astype('int64')");
}

void CheckPerTrace(const NpzArray& array, int64_t count) {
  const std::vector<int64_t>& shape = array.header().shape;
  if (shape.size() == 2) RefuseLabelRows(ShapeText(shape), array.where());
  if (shape.size() != 1 || shape[0] != count) {
    throw config::Error("the array has the shape " + ShapeText(shape) +
                            ", not one value for each of " +
                            std::to_string(count),
                        array.where(), "save one number for each row of X");
  }
}

void ReadNumbers(NpzArray* array, int64_t count, std::vector<double>* out) {
  const std::string& type = array->header().type;
  if (type == "|i1") return NumbersAs<int8_t>(array, count, out);
  if (type == "<i2") return NumbersAs<int16_t>(array, count, out);
  if (type == "<i4") return NumbersAs<int32_t>(array, count, out);
  if (type == "<i8") return NumbersAs<int64_t>(array, count, out);
  if (type == "<f4") return NumbersAs<float>(array, count, out);
  if (type == "<f8") return NumbersAs<double>(array, count, out);
  throw config::Error("the array has the type '" + type + "'", array->where(),
                      "save directions as int8 and times as float32");
}

LabelList ReadLabels(NpzArray array, int64_t count) {
  LabelList labels;
  const char kind = array.header().type[1];
  if (array.has_objects()) {
    labels = ReadPickledLabels(array.ReadPickle(), array.where());
  } else {
    CheckPerTrace(array, count);
    if (kind == 'U' || kind == 'S') {
      labels.names = ReadStrings(&array, kind == 'U');
    } else {
      labels.numbers = ReadIntegers(&array);
    }
  }
  CheckLabels(labels, count, array.where());
  return labels;
}

}  // namespace dfsweep::data
