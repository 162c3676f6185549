// The few functions that a pickle may call: numpy's ways to write an array, a
// dtype and a scalar, and Python 3's ways to write bytes in protocol 2.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "model/data/limits.h"
#include "model/data/pickle.h"
#include "model/data/utf8.h"

namespace dfsweep::data {
namespace {

using Type = PickleValue::Type;

constexpr int64_t kMaxDimensions = 8;
constexpr char kSaveAgain[] =
    "save the arrays with numpy.savez_compressed(file, X=X, y=y)";

[[noreturn]] void Unexpected(const std::string& what) {
  throw PickleFault{"the pickle has no numpy array as numpy writes it: " + what,
                    kSaveAgain};
}

int64_t Integer(PickleValue value, const char* what) {
  if (!value.Is(Type::kInteger))
    Unexpected(std::string(what) + " is no number");
  return value.integer;
}

// Text, or Python 2's str.
std::string_view Word(PickleValue value, const PickleHeap& heap,
                      const char* what) {
  if (!value.Is(Type::kText) && !value.Is(Type::kBytes)) {
    Unexpected(std::string(what) + " is no string");
  }
  return heap.string(value);
}

// Checks that the tuple has `least` to `most` items.
const PickleList& Tuple(PickleValue value, const PickleHeap& heap,
                        int64_t least, int64_t most, const char* what) {
  if (!value.Is(Type::kTuple) || heap.list(value).size() < least ||
      heap.list(value).size() > most) {
    Unexpected(std::string(what) + " has not the right values");
  }
  return heap.list(value);
}

std::vector<int64_t> Shape(PickleValue value, const PickleHeap& heap) {
  std::vector<int64_t> shape;
  if (value.Is(Type::kInteger)) {
    shape = {value.integer};
  } else {
    const PickleList& sizes = Tuple(value, heap, 0, kMaxDimensions, "a shape");
    for (int64_t i = 0; i < sizes.size(); ++i) {
      shape.push_back(Integer(sizes.at(i), "a shape"));
    }
  }
  int64_t product = 1;
  for (int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(product, size, &product)) {
      Unexpected("a shape has no meaning");
    }
  }
  return shape;
}

// ---- Dtypes ----

PickleDtype ParseDtype(std::string_view text) {
  PickleDtype dtype;
  if (text.starts_with('>')) dtype.big_endian = true;
  if (!text.empty() &&
      std::string_view("<>|=").find(text[0]) != std::string_view::npos) {
    text.remove_prefix(1);
  }
  if (text.empty()) Unexpected("a dtype has no name");
  dtype.kind = text[0];
  text.remove_prefix(1);
  const char* end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, dtype.size);
  if (!text.empty() && (result.ec != std::errc() || result.ptr != end ||
                        dtype.size < 0 || dtype.size > kMaxClassNameBytes)) {
    Unexpected("a dtype's size is out of range");
  }
  return dtype;
}

void CheckDtype(const PickleDtype& dtype) {
  auto one_of = [&](std::initializer_list<int64_t> sizes) {
    return std::find(sizes.begin(), sizes.end(), dtype.size) != sizes.end();
  };
  bool known = false;
  switch (dtype.kind) {
    case 'b':
      known = one_of({1});
      break;
    case 'i':
    case 'u':
      known = one_of({1, 2, 4, 8});
      break;
    case 'f':
      known = one_of({4, 8});
      break;
    case 'O':
      known = true;
      break;
    case 'S':
      known = dtype.size > 0 && dtype.size <= kMaxClassNameBytes;
      break;
    case 'U':
      known = dtype.size > 0 && dtype.size % 4 == 0 &&
              dtype.size <= 4 * kMaxClassNameBytes;
      break;
    default:
      break;
  }
  if (!known) {
    throw PickleFault{
        "the pickle has an array whose type is not read (numpy's "
        "kind '" +
            std::string(
                1, dtype.kind > 0x20 && dtype.kind < 0x7F ? dtype.kind : '?') +
            "', " + std::to_string(dtype.size) + " bytes)",
        "save X as int8 or float32 and y as int64 or strings"};
  }
  if (dtype.big_endian && dtype.kind != 'O' && dtype.kind != 'S' &&
      dtype.size > 1) {
    throw PickleFault{"the pickle has a big-endian array",
                      "convert it: X.astype(X.dtype.newbyteorder('<'))"};
  }
}

PickleValue MakeDtype(const PickleList& arguments, PickleHeap* heap) {
  PickleDtype dtype = ParseDtype(Word(arguments.at(0), *heap, "a dtype"));
  if (dtype.kind == 'U') dtype.size *= 4;  // characters to bytes
  return heap->NewDtype(dtype);
}

// state = (version, byte order, subarray, names, fields, size, alignment,
// flags[, metadata])
void BuildDtype(PickleValue value, PickleValue state, PickleHeap* heap) {
  const PickleList& items = Tuple(state, *heap, 8, 9, "a dtype's state");
  for (int64_t i : {2, 3, 4}) {
    if (items.at(i).Is(Type::kNone)) continue;
    throw PickleFault{"the pickle has an array of a compound type",
                      "save directions and labels as two plain arrays"};
  }
  PickleDtype& dtype = heap->dtype(value);
  dtype.big_endian = Word(items.at(1), *heap, "a byte order") == ">";
  const int64_t size = Integer(items.at(5), "a dtype's size");
  if (size > 0) dtype.size = size;  // -1 where the name says it
}

const PickleDtype& DtypeOf(PickleValue value, PickleHeap* heap) {
  if (!value.Is(Type::kDtype)) Unexpected("a dtype is missing");
  CheckDtype(heap->dtype(value));
  return heap->dtype(value);
}

// ---- Arrays ----

void FillArray(PickleValue value, PickleValue shape, PickleValue dtype,
               bool fortran_order, PickleValue data, PickleHeap* heap) {
  PickleArray& array = heap->array(value);
  if (array.filled) Unexpected("an array is filled twice");
  array.shape = Shape(shape, *heap);
  array.dtype = DtypeOf(dtype, heap);
  array.fortran_order = fortran_order && array.shape.size() > 1;
  int64_t size = 0;
  if (array.dtype.kind == 'O') {
    if (!data.Is(Type::kList)) Unexpected("the elements are no list");
    array.objects = data;
    size = heap->list(data).size();
  } else {
    array.bytes = Word(data, *heap, "an array's data");
    if (data.Is(Type::kText)) Unexpected("the elements are text");
    size = array.bytes.size();
  }
  int64_t expected = 0;
  const int64_t item = array.dtype.kind == 'O' ? 1 : array.dtype.size;
  if (__builtin_mul_overflow(array.Elements(), item, &expected) ||
      expected != size) {
    Unexpected("its data does not fit its shape");
  }
  array.filled = true;
}

PickleValue MakeArray(const PickleList& arguments, PickleHeap* heap) {
  const PickleValue type = arguments.at(0);
  if (!type.Is(Type::kFunction) ||
      type.function != PickleFunction::kArrayType) {
    Unexpected("_reconstruct makes something else");
  }
  return heap->NewArray();
}

// state = (version, shape, dtype, Fortran order, data)
void BuildArray(PickleValue value, PickleValue state, PickleHeap* heap) {
  const PickleList& items = Tuple(state, *heap, 5, 5, "an array's state");
  const bool fortran_order = Integer(items.at(3), "Fortran order") != 0;
  FillArray(value, items.at(1), items.at(2), fortran_order, items.at(4), heap);
}

// _frombuffer(data, dtype, shape, order)
PickleValue MakeFromBuffer(const PickleList& arguments, PickleHeap* heap) {
  PickleValue array = heap->NewArray();
  const bool fortran_order = Word(arguments.at(3), *heap, "an order") == "F";
  FillArray(array, arguments.at(2), arguments.at(1), fortran_order,
            arguments.at(0), heap);
  return array;
}

// ---- Scalars and bytes ----

void Spend(int64_t* budget, int64_t bytes) {
  *budget -= bytes;
  if (*budget < 0) {
    throw PickleFault{"the pickle makes more text than it has bytes",
                      kSaveAgain};
  }
}

template <typename T>
T Load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

int64_t LoadInteger(std::string_view bytes, bool is_signed) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());  // little-endian
  const int unused = 64 - 8 * static_cast<int>(bytes.size());
  if (is_signed) return static_cast<int64_t>(value << unused) >> unused;
  if (value > static_cast<uint64_t>(INT64_MAX)) {
    throw PickleFault{"the pickle has a number beyond 64-bit signed",
                      "save it as int64"};
  }
  return static_cast<int64_t>(value);
}

PickleValue MakeTextScalar(std::string_view wide, PickleHeap* heap,
                           int64_t* encoded_bytes) {
  Spend(encoded_bytes, wide.size());
  std::string text;
  for (size_t at = 0; at + 4 <= wide.size(); at += 4) {
    const auto code = Load<uint32_t>(wide.substr(at));
    if (code != 0 && !AppendUtf8(&text, code)) {
      Unexpected("a string is no Unicode");
    }
  }
  return heap->NewOwnedString(Type::kText, std::move(text));
}

PickleValue MakeScalar(const PickleList& arguments, PickleHeap* heap,
                       int64_t* encoded_bytes) {
  const PickleDtype& dtype = DtypeOf(arguments.at(0), heap);
  if (!arguments.at(1).Is(Type::kBytes) ||
      static_cast<int64_t>(heap->string(arguments.at(1)).size()) !=
          dtype.size) {
    Unexpected("a number has not the size of its type");
  }
  std::string_view bytes = heap->string(arguments.at(1));
  switch (dtype.kind) {
    case 'f':
      return PickleValue::Real(dtype.size == 4 ? Load<float>(bytes)
                                               : Load<double>(bytes));
    case 'b':
    case 'u':
    case 'i':
      return PickleValue::Integer(LoadInteger(bytes, dtype.kind == 'i'));
    case 'U':
      return MakeTextScalar(bytes, heap, encoded_bytes);
    case 'S':
      return arguments.at(1);
    default:
      Unexpected("a number is a Python object");
  }
}

PickleValue Encode(const PickleList& arguments, PickleHeap* heap,
                   int64_t* encoded_bytes) {
  std::string encoding(Word(arguments.at(1), *heap, "an encoding"));
  std::erase_if(encoding, [](char c) { return c == '-' || c == '_'; });
  if ((encoding != "latin1" && encoding != "iso88591") ||
      !arguments.at(0).Is(Type::kText)) {
    Unexpected("bytes are not written as latin-1 text");
  }
  std::string_view text = heap->string(arguments.at(0));
  Spend(encoded_bytes, text.size());
  std::string bytes;
  bytes.reserve(text.size());
  uint32_t code = 0;
  while (!text.empty()) {
    if (!TakeUtf8(&text, &code) || code > 0xFF) {
      Unexpected("bytes are not written as latin-1 text");
    }
    bytes.push_back(static_cast<char>(code));
  }
  return heap->NewOwnedString(Type::kBytes, std::move(bytes));
}

}  // namespace

PickleValue CallPickleFunction(PickleFunction function, PickleValue arguments,
                               PickleHeap* heap, int64_t* encoded_bytes) {
  auto tuple = [&](int64_t least, int64_t most) -> const PickleList& {
    return Tuple(arguments, *heap, least, most, "a call");
  };
  switch (function) {
    case PickleFunction::kReconstruct:
      return MakeArray(tuple(3, 3), heap);
    case PickleFunction::kDtype:
      return MakeDtype(tuple(1, 3), heap);
    case PickleFunction::kScalar:
      return MakeScalar(tuple(2, 2), heap, encoded_bytes);
    case PickleFunction::kFromBuffer:
      return MakeFromBuffer(tuple(4, 4), heap);
    case PickleFunction::kEncode:
      return Encode(tuple(2, 2), heap, encoded_bytes);
    case PickleFunction::kBytes:
      tuple(0, 0);
      return heap->NewString(Type::kBytes, "");
    case PickleFunction::kArrayType:
      break;
  }
  Unexpected("an array is made directly");
}

void BuildPickledObject(PickleValue object, PickleValue state,
                        PickleHeap* heap) {
  if (object.Is(Type::kArray)) {
    BuildArray(object, state, heap);
  } else if (object.Is(Type::kDtype)) {
    BuildDtype(object, state, heap);
  } else {
    throw PickleFault{"the pickle sets the state of something that has none",
                      kSaveAgain};
  }
}

}  // namespace dfsweep::data
