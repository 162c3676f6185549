// What a pickle may hold: the values that the restricted unpickler can build,
// and where they live. Nothing else exists, so nothing else can be made.
#ifndef DFSWEEP_MODEL_DATA_PICKLE_VALUE_H_
#define DFSWEEP_MODEL_DATA_PICKLE_VALUE_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace dfsweep::data {

// The globals that a pickle may name. Each stands for code of ours that builds
// one of the values below (pickle_call.cc).
enum class PickleFunction : uint8_t {
  kReconstruct,  // an empty array, to be filled by BUILD
  kArrayType,    // only ever an argument of kReconstruct
  kDtype,
  kScalar,
  kFromBuffer,  // an array out of a protocol-5 buffer
  kEncode,      // text to latin-1 bytes: how protocol 2 writes bytes
  kBytes,       // the empty bytes object of protocol 2
};

// A number, or a reference into a PickleHeap. 16 bytes, freely copied.
struct PickleValue {
  enum class Type : uint8_t {
    kNone,
    kInteger,  // also True and False
    kReal,
    kText,   // UTF-8
    kBytes,  // also Python 2's str
    kList,
    kTuple,
    kArray,
    kDtype,
    kFunction,
  };
  Type type = Type::kNone;
  PickleFunction function = {};
  uint32_t index = 0;  // in the heap
  union {
    int64_t integer = 0;
    double real;
  };

  bool Is(Type other) const { return type == other; }
  static PickleValue Integer(int64_t value) {
    PickleValue result;
    result.type = Type::kInteger;
    result.integer = value;
    return result;
  }
  static PickleValue Real(double value) {
    PickleValue result;
    result.type = Type::kReal;
    result.real = value;
    return result;
  }
};
static_assert(sizeof(PickleValue) == 16);

// A list or tuple. As long as it holds only numbers, each takes as few bytes as
// the largest needs: traces are lists of hundreds of millions of ±1.
class PickleList {
 public:
  using Items = std::variant<std::vector<int8_t>, std::vector<int16_t>,
                             std::vector<int64_t>, std::vector<double>,
                             std::vector<PickleValue>>;

  const Items& items() const { return items_; }
  int64_t size() const;
  PickleValue at(int64_t index) const;

  void Append(const PickleValue* begin, const PickleValue* end);

 private:
  // Changes to the vector at `kind` in Items, which is never narrower.
  void WidenTo(size_t kind);

  Items items_;
};

struct PickleDtype {
  char kind = 0;     // numpy's: 'b', 'i', 'u', 'f', 'S', 'U' or 'O'
  int64_t size = 0;  // bytes an element
  bool big_endian = false;
};

struct PickleArray {
  bool filled = false;  // BUILD has come
  PickleDtype dtype;
  std::vector<int64_t> shape;
  bool fortran_order = false;
  std::string_view bytes;  // the elements, perhaps not aligned; of 'O': none
  PickleValue objects;     // of 'O': a list

  int64_t Elements() const;
};

// Owns what PickleValues refer to. Values die with it.
class PickleHeap {
 public:
  PickleValue NewList(PickleValue::Type list_or_tuple);
  PickleValue NewArray();
  PickleValue NewDtype(PickleDtype dtype);
  // `text` must live as long as the heap.
  PickleValue NewString(PickleValue::Type text_or_bytes, std::string_view text);
  PickleValue NewOwnedString(PickleValue::Type text_or_bytes, std::string text);

  PickleList& list(PickleValue value) { return lists_[value.index]; }
  const PickleList& list(PickleValue value) const {
    return lists_[value.index];
  }
  PickleArray& array(PickleValue value) { return arrays_[value.index]; }
  const PickleArray& array(PickleValue value) const {
    return arrays_[value.index];
  }
  PickleDtype& dtype(PickleValue value) { return dtypes_[value.index]; }
  std::string_view string(PickleValue value) const {
    return strings_[value.index];
  }

  int64_t objects() const {
    return lists_.size() + arrays_.size() + dtypes_.size() + strings_.size();
  }

 private:
  // Deques: they grow without copying, and references stay valid.
  std::deque<PickleList> lists_;
  std::deque<PickleArray> arrays_;
  std::deque<PickleDtype> dtypes_;
  std::deque<std::string_view> strings_;
  std::deque<std::string> owned_;
};

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_PICKLE_VALUE_H_
