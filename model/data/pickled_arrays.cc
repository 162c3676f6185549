#include "model/data/pickled_arrays.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/npy.h"
#include "model/data/utf8.h"

namespace dfsweep::data {
namespace {

using Type = PickleValue::Type;

constexpr char kSaveRows[] =
    "save a list or array with one row of -1 and 1 a trace";
constexpr char kSaveLabels[] = "save a list or 1-D array of whole numbers";

template <typename T>
constexpr bool kIsValue = std::is_same_v<T, PickleValue>;

// The elements [begin, begin + count) as numbers of T, aligned.
template <typename T>
void VisitAs(const PickleArray& array, int64_t begin, int64_t count,
             auto visit) {
  const char* at = array.bytes.data() + begin * sizeof(T);
  if (reinterpret_cast<uintptr_t>(at) % alignof(T) == 0) {
    visit(std::span(reinterpret_cast<const T*>(at), count));
    return;
  }
  std::vector<T> copy(count);
  if (count > 0) std::memcpy(copy.data(), at, count * sizeof(T));
  visit(std::span<const T>(copy));
}

// Calls visit(std::span<const T>) with the type of the array's numbers. False
// if they are none of `visit`'s types: signed integers and floats.
bool VisitNumbers(const PickleArray& array, int64_t begin, int64_t count,
                  auto visit) {
  const PickleDtype& dtype = array.dtype;
  const std::string type = dtype.kind + std::to_string(dtype.size);
  if (type == "i1") {
    VisitAs<int8_t>(array, begin, count, visit);
  } else if (type == "i2") {
    VisitAs<int16_t>(array, begin, count, visit);
  } else if (type == "i4") {
    VisitAs<int32_t>(array, begin, count, visit);
  } else if (type == "i8") {
    VisitAs<int64_t>(array, begin, count, visit);
  } else if (type == "f4") {
    VisitAs<float>(array, begin, count, visit);
  } else if (type == "f8") {
    VisitAs<double>(array, begin, count, visit);
  } else {
    return false;
  }
  return true;
}

std::string NameOf(const PickleDtype& dtype) {
  return dtype.kind == 'O' ? "objects"
                           : dtype.kind + std::to_string(dtype.size);
}

// Whatever holds several values, as if it were a list.
const PickleList* ListIn(const Pickle& pickle, PickleValue value) {
  if (value.Is(Type::kList) || value.Is(Type::kTuple)) {
    return &pickle.heap.list(value);
  }
  if (value.Is(Type::kArray) && pickle.heap.array(value).dtype.kind == 'O') {
    return &pickle.heap.list(pickle.heap.array(value).objects);
  }
  return nullptr;
}

class RowReader {
 public:
  RowReader(const Pickle& pickle, std::string_view bytes,
            const std::string& where, CellRows* rows)
      : pickle_(pickle), bytes_(bytes.size()), where_(where), rows_(rows) {}

  std::string Read() {
    const PickleValue root = pickle_.root;
    if (root.Is(Type::kArray)) return ReadArray(pickle_.heap.array(root));
    const PickleList* list = ListIn(pickle_, root);
    if (list == nullptr) Fail("it holds no list and no array");
    return ReadList(*list);
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const {
    throw config::Error("this pickle is no set of traces: " + what, where_,
                        kSaveRows);
  }

  // Rows may be shared, so a small file can stand for any number of cells.
  void Count(int64_t cells) {
    cells_ += cells;
    if (cells_ > kFreeElements &&
        cells_ / kMaxElementsPerCompressedByte > bytes_) {
      throw config::Error("the pickle expands too much to be traffic: " +
                              std::to_string(cells_) + " cells from " +
                              std::to_string(bytes_) + " bytes",
                          where_, kSaveRows);
    }
  }

  void AddFrom(const PickleArray& array, int64_t begin, int64_t count) {
    Count(count);
    const bool known =
        VisitNumbers(array, begin, count, [&](auto row) { Add(row); });
    if (!known) Fail("the numbers have the type " + NameOf(array.dtype));
  }

  template <typename T>
  void Add(std::span<const T> row) {
    rows_->AddNumbers(row);
  }

  std::string ReadArray(const PickleArray& array) {
    CheckFilled(array);
    const std::vector<int64_t>& shape = array.shape;
    if (array.dtype.kind == 'O' && shape.size() == 1) {
      return "array of " + ReadList(pickle_.heap.list(array.objects));
    }
    const bool column = shape.size() == 3 && shape[2] == 1;
    if (shape.size() != 2 && !column) {
      Fail("its shape is " + ShapeText(shape));
    }
    if (array.dtype.kind == 'O') {
      ReadSlices(pickle_.heap.list(array.objects), shape[0], shape[1]);
      return "array of objects";
    }
    for (int64_t i = 0; i < shape[0]; ++i) {
      AddFrom(array, i * shape[1], shape[1]);
    }
    return "array (" + NameOf(array.dtype) + ")";
  }

  void CheckFilled(const PickleArray& array) const {
    if (!array.filled) Fail("an array has no contents");
    if (array.fortran_order) {
      throw config::Error("the array is stored by columns (Fortran order)",
                          where_, "save numpy.ascontiguousarray(X) instead");
    }
  }

  // A 2-D array of Python numbers, which is one long list.
  void ReadSlices(const PickleList& list, int64_t rows, int64_t length) {
    std::visit(
        [&](const auto& items) {
          using T = typename std::decay_t<decltype(items)>::value_type;
          if constexpr (kIsValue<T>) {
            Fail("an element is no number");
          } else {
            for (int64_t i = 0; i < rows; ++i) {
              Count(length);
              Add(std::span<const T>(items).subspan(i * length, length));
            }
          }
        },
        list.items());
  }

  std::string ReadList(const PickleList& list) {
    for (int64_t i = 0; i < list.size(); ++i) ReadRow(list.at(i), i);
    const bool lists = list.size() > 0 && !list.at(0).Is(Type::kArray);
    return lists ? "lists" : "arrays";
  }

  void ReadRow(PickleValue row, int64_t number) {
    if (row.Is(Type::kArray) && pickle_.heap.array(row).dtype.kind != 'O') {
      const PickleArray& array = pickle_.heap.array(row);
      CheckFilled(array);
      const bool column = array.shape.size() == 2 && array.shape[1] == 1;
      if (array.shape.size() != 1 && !column) {
        Fail("element " + std::to_string(number) + " has the shape " +
             ShapeText(array.shape));
      }
      AddFrom(array, 0, array.Elements());
      return;
    }
    const PickleList* list = ListIn(pickle_, row);
    if (list == nullptr) {
      Fail("element " + std::to_string(number) + " is no list and no array");
    }
    std::visit(
        [&](const auto& items) {
          using T = typename std::decay_t<decltype(items)>::value_type;
          if constexpr (kIsValue<T>) {
            Fail("row " + std::to_string(number) +
                 " holds something that is no number");
          } else {
            Count(items.size());
            Add(std::span<const T>(items));
          }
        },
        list->items());
  }

  const Pickle& pickle_;
  const int64_t bytes_;
  const std::string& where_;
  CellRows* rows_;
  int64_t cells_ = 0;
};

// ---- Labels ----

int64_t WholeNumber(double value, const std::string& where) {
  if (value != std::floor(value) || std::abs(value) > 1e15) {
    throw config::Error(
        "the label " + std::to_string(value) + " is not a whole number", where,
        kSaveLabels);
  }
  return static_cast<int64_t>(value);
}

void AddLabels(auto numbers, const std::string& where, LabelList* labels) {
  for (auto number : numbers) {
    if constexpr (std::is_floating_point_v<decltype(number)>) {
      labels->numbers.push_back(WholeNumber(number, where));
    } else {
      labels->numbers.push_back(number);
    }
  }
}

// A string of an array: 'U' has four bytes a character, 'S' is latin-1, and
// both end in zeros.
std::string StringIn(std::string_view raw, const PickleDtype& dtype,
                     const std::string& where) {
  std::string text;
  const size_t step = dtype.kind == 'U' ? 4 : 1;
  for (size_t at = 0; at < raw.size(); at += step) {
    uint32_t code = 0;
    std::memcpy(&code, raw.data() + at, step);  // little-endian
    if (code != 0 && !AppendUtf8(&text, code)) {
      throw config::Error("a label has an invalid character", where,
                          kSaveLabels);
    }
  }
  return text;
}

LabelList LabelsOfArray(const PickleArray& array, const std::string& where) {
  LabelList labels;
  const int64_t n = array.Elements();
  const PickleDtype& dtype = array.dtype;
  if (dtype.kind == 'U' || dtype.kind == 'S') {
    for (int64_t i = 0; i < n; ++i) {
      std::string_view raw = array.bytes.substr(i * dtype.size, dtype.size);
      labels.names.push_back(StringIn(raw, dtype, where));
    }
    return labels;
  }
  if (dtype.kind == 'u' || dtype.kind == 'b') {
    for (int64_t i = 0; i < n; ++i) {
      uint64_t value = 0;
      std::memcpy(&value, array.bytes.data() + i * dtype.size, dtype.size);
      // Beyond the limit it is no label, whatever it is.
      labels.numbers.push_back(std::min<uint64_t>(value, kMaxLabel + 1));
    }
    return labels;
  }
  VisitNumbers(array, 0, n,
               [&](auto numbers) { AddLabels(numbers, where, &labels); });
  return labels;
}

std::string NameIn(const Pickle& pickle, PickleValue value,
                   const std::string& where) {
  const bool text = value.Is(Type::kText);
  // Strings may be shared, so a small file can stand for any length.
  if ((text || value.Is(Type::kBytes)) &&
      pickle.heap.string(value).size() >
          static_cast<size_t>(4 * kMaxClassNameBytes)) {
    throw config::Error("a label is a string that is too long", where,
                        kSaveLabels);
  }
  if (text) return std::string(pickle.heap.string(value));
  if (value.Is(Type::kBytes)) {
    return StringIn(pickle.heap.string(value), {.kind = 'S', .size = 1}, where);
  }
  throw config::Error("a label is no number and no string", where, kSaveLabels);
}

LabelList LabelsOfList(const Pickle& pickle, const PickleList& list,
                       const std::string& where) {
  LabelList labels;
  std::visit(
      [&](const auto& items) {
        using T = typename std::decay_t<decltype(items)>::value_type;
        if constexpr (!kIsValue<T>) {
          AddLabels(std::span<const T>(items), where, &labels);
        } else {
          for (const PickleValue& item : items) {
            if (ListIn(pickle, item) != nullptr || item.Is(Type::kArray)) {
              RefuseLabelRows("", where);
            }
            labels.names.push_back(NameIn(pickle, item, where));
          }
        }
      },
      list.items());
  return labels;
}

}  // namespace

std::string AddPickledRows(std::string_view bytes, const std::string& where,
                           CellRows* rows) {
  Pickle pickle = ReadPickle(bytes, where);
  return RowReader(pickle, bytes, where, rows).Read();
}

LabelList ReadPickledLabels(std::string_view bytes, const std::string& where) {
  const Pickle pickle = ReadPickle(bytes, where);
  if (pickle.root.Is(Type::kArray)) {
    const PickleArray& array = pickle.heap.array(pickle.root);
    if (!array.filled) {
      throw config::Error("the labels have no contents", where, kSaveLabels);
    }
    if (array.shape.size() != 1) {
      RefuseLabelRows(ShapeText(array.shape), where);
    }
    if (array.dtype.kind != 'O') return LabelsOfArray(array, where);
  }
  const PickleList* list = ListIn(pickle, pickle.root);
  if (list == nullptr) {
    throw config::Error("the pickle holds no list of labels", where,
                        kSaveLabels);
  }
  return LabelsOfList(pickle, *list, where);
}

}  // namespace dfsweep::data
