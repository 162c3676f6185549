#include "model/data/pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/utf8.h"

namespace dfsweep::data {
namespace {

using Type = PickleValue::Type;

constexpr char kCopyAgain[] = "copy or download the file again";
constexpr char kConvert[] =
    "only lists, tuples, numbers, strings and numpy arrays are read; if you "
    "trust the file, load it in Python and save the arrays with "
    "numpy.savez_compressed(file, X=X, y=y)";

struct Global {
  std::string_view module, name;
  PickleFunction function;
};

// numpy 2 has moved numpy.core to numpy._core.
constexpr std::array kGlobals = {
    Global{"numpy.core.multiarray", "_reconstruct",
           PickleFunction::kReconstruct},
    Global{"numpy._core.multiarray", "_reconstruct",
           PickleFunction::kReconstruct},
    Global{"numpy", "ndarray", PickleFunction::kArrayType},
    Global{"numpy", "dtype", PickleFunction::kDtype},
    Global{"numpy.core.multiarray", "scalar", PickleFunction::kScalar},
    Global{"numpy._core.multiarray", "scalar", PickleFunction::kScalar},
    Global{"numpy.core.numeric", "_frombuffer", PickleFunction::kFromBuffer},
    Global{"numpy._core.numeric", "_frombuffer", PickleFunction::kFromBuffer},
    Global{"_codecs", "encode", PickleFunction::kEncode},
    Global{"__builtin__", "bytes", PickleFunction::kBytes},
    Global{"builtins", "bytes", PickleFunction::kBytes},
};

// What may be shown of a name in a message: a hostile file chose it.
std::string Shown(std::string_view text) {
  std::string shown;
  for (char c : text.substr(0, 80)) {
    shown += c > 0x20 && c < 0x7F ? c : '?';
  }
  return shown + (text.size() > 80 ? "…" : "");
}

std::string HexByte(uint8_t byte) {
  char text[8];
  std::snprintf(text, sizeof(text), "0x%02x", byte);
  return text;
}

// Opcodes that the standard has and that are not read, with what they would do.
const char* ForbiddenOpcode(uint8_t opcode) {
  switch (opcode) {
    case 'P':
    case 'Q':
      return "a persistent id, which only a program of its author can resolve";
    case 'i':
    case 'o':
    case 0x81:
    case 0x92:
      return "an object of a class";
    case 0x82:
    case 0x83:
    case 0x84:
      return "an object from Python's extension registry";
    case 'd':
    case '}':
    case 's':
    case 'u':
      return "a dictionary";
    case 0x8f:
    case 0x90:
    case 0x91:
      return "a set";
    case 0x97:
      return "a buffer that is stored outside of the file";
    default:
      return nullptr;
  }
}

// A backslash sequence at the front of `text` as Python 2's repr writes it.
bool TakeEscape(std::string_view* text, char* out) {
  if (text->size() < 2) return false;
  const char c = (*text)[1];
  constexpr std::string_view kLetters = "\\'\"nrtabfv";
  constexpr std::string_view kMeanings = "\\'\"\n\r\t\a\b\f\v";
  if (size_t at = kLetters.find(c); at != std::string_view::npos) {
    *out = kMeanings[at];
    text->remove_prefix(2);
    return true;
  }
  if (c != 'x' || text->size() < 4) return false;
  uint8_t byte = 0;
  auto [end, error] =
      std::from_chars(text->data() + 2, text->data() + 4, byte, 16);
  if (error != std::errc() || end != text->data() + 4) return false;
  *out = static_cast<char>(byte);
  text->remove_prefix(4);
  return true;
}

// \uXXXX or \UXXXXXXXX at the front of `text`.
bool TakeUnicodeEscape(std::string_view* text, uint32_t* code) {
  const size_t digits = text->starts_with("\\u")   ? 4
                        : text->starts_with("\\U") ? 8
                                                   : 0;
  if (digits == 0 || text->size() < 2 + digits) return false;
  const char* begin = text->data() + 2;
  auto [end, error] = std::from_chars(begin, begin + digits, *code, 16);
  if (error != std::errc() || end != begin + digits) return false;
  text->remove_prefix(2 + digits);
  return true;
}

class Machine {
 public:
  explicit Machine(std::string_view bytes)
      : bytes_(bytes), encoded_bytes_(bytes.size()) {}

  size_t opcode_at() const { return opcode_at_; }

  Pickle Run() {
    while (Step()) {
      if (heap_.objects() > kMaxPickleObjects ||
          stack_.size() > static_cast<size_t>(kMaxPickleStack)) {
        throw PickleFault{"the pickle holds too many objects",
                          "save the arrays with numpy.savez_compressed"};
      }
    }
    Pickle pickle;
    pickle.root = Pop();
    if (!stack_.empty() || !marks_.empty()) {
      Damaged("values are left over at the end");
    }
    if (at_ != bytes_.size()) {
      throw PickleFault{
          "the file goes on after the pickle's end (" +
              std::to_string(bytes_.size() - at_) +
              " bytes), as if several were written one after the other",
          "save one list or array a file"};
    }
    pickle.heap = std::move(heap_);
    return pickle;
  }

 private:
  [[noreturn]] static void Damaged(const std::string& why) {
    throw PickleFault{"the pickle is damaged: " + why, kCopyAgain};
  }

  // ---- Bytes ----

  size_t Left() const { return bytes_.size() - at_; }

  // Never allocates: the declared size is checked against what is there.
  std::string_view Take(uint64_t size) {
    if (size > Left()) {
      Damaged("it claims " + std::to_string(size) + " bytes and has " +
              std::to_string(Left()) + " left");
    }
    std::string_view taken = bytes_.substr(at_, size);
    at_ += size;
    return taken;
  }

  std::string_view TakeLine() {
    const size_t end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) Damaged("a line has no end");
    std::string_view line = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }

  // Little-endian.
  uint64_t TakeUnsigned(int size) {
    std::string_view raw = Take(size);
    uint64_t value = 0;
    for (int i = size - 1; i >= 0; --i) {
      value = value << 8 | static_cast<uint8_t>(raw[i]);
    }
    return value;
  }

  uint64_t TakeSignedLength() {  // four bytes that may not be negative
    const auto size = static_cast<int32_t>(TakeUnsigned(4));
    if (size < 0) Damaged("a size is negative");
    return size;
  }

  // ---- Stack, marks, memo ----

  size_t Floor() const { return marks_.empty() ? 0 : marks_.back(); }

  void Push(PickleValue value) { stack_.push_back(value); }

  PickleValue& Top() {
    if (stack_.size() <= Floor()) Damaged("a value is missing on the stack");
    return stack_.back();
  }

  PickleValue Pop() {
    PickleValue value = Top();
    stack_.pop_back();
    return value;
  }

  void Mark() {
    if (marks_.size() >= static_cast<size_t>(kMaxPickleDepth)) {
      throw PickleFault{"the pickle nests deeper than " +
                            std::to_string(kMaxPickleDepth) + " levels",
                        kConvert};
    }
    marks_.push_back(stack_.size());
  }

  // The place of the topmost mark, which is removed.
  size_t PopMark() {
    if (marks_.empty()) Damaged("a mark is missing");
    const size_t mark = marks_.back();
    marks_.pop_back();
    return mark;
  }

  void PopOrUnmark() {
    if (!marks_.empty() && marks_.back() == stack_.size()) {
      marks_.pop_back();
    } else {
      Pop();
    }
  }

  // Pickle modules number their entries one after the other from 0 or 1.
  void Put(uint64_t index) {
    if (index > memo_entries_ + 1 ||
        memo_entries_ >= static_cast<size_t>(kMaxPickleObjects)) {
      Damaged("memo entry " + std::to_string(index) + " is out of turn");
    }
    if (index >= memo_.size()) memo_.resize(index + 1, {false, {}});
    if (memo_[index].set) {
      Damaged("memo entry " + std::to_string(index) + " is written twice");
    }
    memo_[index] = {true, Top()};
    ++memo_entries_;
  }

  void Get(uint64_t index) {
    if (index >= memo_.size() || !memo_[index].set) {
      Damaged("memo entry " + std::to_string(index) + " does not exist");
    }
    Push(memo_[index].value);
  }

  uint64_t TakeIndexLine() {
    std::string_view line = TakeLine();
    uint64_t index = 0;
    auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), index);
    if (error != std::errc() || end != line.data() + line.size()) {
      Damaged("a memo index is no number");
    }
    return index;
  }

  // ---- Numbers ----

  void PushIntegerLine() {  // 'I' and, with an L at the end, 'L'
    std::string_view line = TakeLine();
    if (line.ends_with('L')) line.remove_suffix(1);
    int64_t value = 0;
    auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), value);
    if (error == std::errc::result_out_of_range) TooLarge();
    if (error != std::errc() || end != line.data() + line.size()) {
      Damaged("a number can't be read");
    }
    Push(PickleValue::Integer(value));
  }

  [[noreturn]] static void TooLarge() {
    throw PickleFault{"the pickle has a number beyond 64 bits", kConvert};
  }

  void PushLong(uint64_t size) {  // two's complement, little-endian
    if (size > 8) TooLarge();
    const int bits = 8 * static_cast<int>(size);
    uint64_t value = TakeUnsigned(static_cast<int>(size));
    if (bits > 0 && bits < 64 && (value >> (bits - 1)) != 0) {
      value |= ~uint64_t{0} << bits;
    }
    Push(PickleValue::Integer(static_cast<int64_t>(value)));
  }

  void PushFloatLine() {
    std::string_view line = TakeLine();
    double value = 0;
    auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc() || end != line.data() + line.size()) {
      Damaged("a number can't be read");
    }
    Push(PickleValue::Real(value));
  }

  void PushBinaryFloat() {  // big-endian
    uint64_t bits = 0;
    for (char c : Take(8)) bits = bits << 8 | static_cast<uint8_t>(c);
    Push(PickleValue::Real(std::bit_cast<double>(bits)));
  }

  // ---- Strings ----

  void PushString(Type type, uint64_t size) {
    Push(heap_.NewString(type, Take(size)));
  }

  void PushQuotedLine() {  // 'S': a repr of Python 2
    std::string_view line = TakeLine();
    const bool quoted = line.size() >= 2 && line.front() == line.back() &&
                        (line.front() == '\'' || line.front() == '"');
    if (!quoted) Damaged("a string is not quoted");
    line = line.substr(1, line.size() - 2);
    std::string text;
    while (!line.empty()) {
      const size_t plain = std::min(line.find('\\'), line.size());
      text += line.substr(0, plain);
      line.remove_prefix(plain);
      char c = 0;
      if (line.empty()) break;
      if (!TakeEscape(&line, &c)) Damaged("a string has an unknown escape");
      text += c;
    }
    Push(heap_.NewOwnedString(Type::kBytes, std::move(text)));
  }

  void PushUnicodeLine() {  // 'V': latin-1 with \u and \U
    std::string_view line = TakeLine();
    std::string text;
    while (!line.empty()) {
      uint32_t code = static_cast<uint8_t>(line.front());
      if (!TakeUnicodeEscape(&line, &code)) line.remove_prefix(1);
      if (!AppendUtf8(&text, code)) Damaged("a string has no valid text");
    }
    Push(heap_.NewOwnedString(Type::kText, std::move(text)));
  }

  // ---- Lists and tuples ----

  void PushTuple(size_t begin) {
    PickleValue tuple = heap_.NewList(Type::kTuple);
    heap_.list(tuple).Append(stack_.data() + begin,
                             stack_.data() + stack_.size());
    stack_.resize(begin);
    Push(tuple);
  }

  void PushShortTuple(size_t size) {
    if (stack_.size() - Floor() < size) Damaged("a tuple lacks values");
    PushTuple(stack_.size() - size);
  }

  void PushMarkedList() {
    const size_t begin = PopMark();
    PickleValue list = heap_.NewList(Type::kList);
    heap_.list(list).Append(stack_.data() + begin,
                            stack_.data() + stack_.size());
    stack_.resize(begin);
    Push(list);
  }

  // Appends what is on the stack from `begin` on to the list below.
  void AppendFrom(size_t begin) {
    if (begin <= Floor() || !stack_[begin - 1].Is(Type::kList)) {
      Damaged("something is appended to what is no list");
    }
    heap_.list(stack_[begin - 1])
        .Append(stack_.data() + begin, stack_.data() + stack_.size());
    stack_.resize(begin);
  }

  // ---- Globals and calls ----

  void PushGlobal(std::string_view module, std::string_view name) {
    for (const Global& global : kGlobals) {
      if (global.module != module || global.name != name) continue;
      PickleValue value;
      value.type = Type::kFunction;
      value.function = global.function;
      Push(value);
      return;
    }
    throw PickleFault{"the pickle wants to use " + Shown(module) + "." +
                          Shown(name) +
                          ", which could run code, so it is not read",
                      kConvert};
  }

  void PushStackGlobal() {
    PickleValue name = Pop(), module = Pop();
    if (!name.Is(Type::kText) || !module.Is(Type::kText)) {
      Damaged("the name of a global is no text");
    }
    PushGlobal(heap_.string(module), heap_.string(name));
  }

  void Call() {
    PickleValue arguments = Pop(), function = Pop();
    if (!function.Is(Type::kFunction) || !arguments.Is(Type::kTuple)) {
      Damaged("it calls what is no function");
    }
    Push(CallPickleFunction(function.function, arguments, &heap_,
                            &encoded_bytes_));
  }

  void Build() {
    PickleValue state = Pop();
    BuildPickledObject(Top(), state, &heap_);
  }

  void CheckProtocol() {
    const uint64_t protocol = TakeUnsigned(1);
    if (protocol > 5) {
      throw PickleFault{
          "the pickle's protocol " + std::to_string(protocol) + " is unknown",
          "save it with protocol 5 or less"};
    }
  }

  void CheckFrame() {  // a hint for readers of streams
    const uint64_t size = TakeUnsigned(8);
    if (size > Left()) Damaged("a frame is longer than the file");
  }

  [[noreturn]] static void Forbid(uint8_t opcode) {
    if (const char* what = ForbiddenOpcode(opcode)) {
      throw PickleFault{"the pickle holds " + std::string(what), kConvert};
    }
    Damaged("there is no opcode " + HexByte(opcode));
  }

  // Carries out an opcode. False at STOP. (The names are pickletools'.)
  bool Step();

  std::string_view bytes_;
  size_t at_ = 0;
  size_t opcode_at_ = 0;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;
  struct MemoEntry {
    bool set;
    PickleValue value;
  };
  std::vector<MemoEntry> memo_;
  size_t memo_entries_ = 0;
  int64_t encoded_bytes_;  // that may still be made
  PickleHeap heap_;
};

bool Machine::Step() {
  opcode_at_ = at_;
  const auto opcode = static_cast<uint8_t>(Take(1).front());
  switch (opcode) {
    case 'K':  // BININT1
      Push(PickleValue::Integer(static_cast<int64_t>(TakeUnsigned(1))));
      return true;
    case 'J':  // BININT
      Push(PickleValue::Integer(static_cast<int32_t>(TakeUnsigned(4))));
      return true;
    case 'M':  // BININT2
      Push(PickleValue::Integer(static_cast<int64_t>(TakeUnsigned(2))));
      return true;
    case 'I':  // INT
    case 'L':  // LONG
      PushIntegerLine();
      return true;
    case 0x8a:  // LONG1
      PushLong(TakeUnsigned(1));
      return true;
    case 0x8b:  // LONG4
      PushLong(TakeSignedLength());
      return true;
    case 'G':  // BINFLOAT
      PushBinaryFloat();
      return true;
    case 'F':  // FLOAT
      PushFloatLine();
      return true;
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      Push(PickleValue::Integer(opcode == 0x88));
      return true;
    case 'N':  // NONE
      Push({});
      return true;

    case ']':  // EMPTY_LIST
      Push(heap_.NewList(Type::kList));
      return true;
    case 'a':  // APPEND
      if (stack_.size() <= Floor()) Damaged("nothing to append");
      AppendFrom(stack_.size() - 1);
      return true;
    case 'e':  // APPENDS
      AppendFrom(PopMark());
      return true;
    case 'l':  // LIST
      PushMarkedList();
      return true;
    case ')':  // EMPTY_TUPLE
      PushShortTuple(0);
      return true;
    case 't':  // TUPLE
      PushTuple(PopMark());
      return true;
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      PushShortTuple(opcode - 0x84);
      return true;

    case 'U':  // SHORT_BINSTRING
    case 'C':  // SHORT_BINBYTES
      PushString(Type::kBytes, TakeUnsigned(1));
      return true;
    case 'T':  // BINSTRING
      PushString(Type::kBytes, TakeSignedLength());
      return true;
    case 'B':  // BINBYTES
      PushString(Type::kBytes, TakeUnsigned(4));
      return true;
    case 0x8e:  // BINBYTES8
    case 0x96:  // BYTEARRAY8
      PushString(Type::kBytes, TakeUnsigned(8));
      return true;
    case 0x98:  // READONLY_BUFFER: what is on the stack is never written
      Top();
      return true;
    case 0x8c:  // SHORT_BINUNICODE
      PushString(Type::kText, TakeUnsigned(1));
      return true;
    case 'X':  // BINUNICODE
      PushString(Type::kText, TakeUnsigned(4));
      return true;
    case 0x8d:  // BINUNICODE8
      PushString(Type::kText, TakeUnsigned(8));
      return true;
    case 'S':  // STRING
      PushQuotedLine();
      return true;
    case 'V':  // UNICODE
      PushUnicodeLine();
      return true;

    case '(':  // MARK
      Mark();
      return true;
    case '0':  // POP
      PopOrUnmark();
      return true;
    case '1':  // POP_MARK
      stack_.resize(PopMark());
      return true;
    case 'p':  // PUT
      Put(TakeIndexLine());
      return true;
    case 'q':  // BINPUT
      Put(TakeUnsigned(1));
      return true;
    case 'r':  // LONG_BINPUT
      Put(TakeUnsigned(4));
      return true;
    case 0x94:  // MEMOIZE
      Put(memo_entries_);
      return true;
    case 'g':  // GET
      Get(TakeIndexLine());
      return true;
    case 'h':  // BINGET
      Get(TakeUnsigned(1));
      return true;
    case 'j':  // LONG_BINGET
      Get(TakeUnsigned(4));
      return true;

    case 'c': {  // GLOBAL
      std::string_view module = TakeLine();
      PushGlobal(module, TakeLine());
      return true;
    }
    case 0x93:  // STACK_GLOBAL
      PushStackGlobal();
      return true;
    case 'R':  // REDUCE
      Call();
      return true;
    case 'b':  // BUILD
      Build();
      return true;

    case 0x80:  // PROTO
      CheckProtocol();
      return true;
    case 0x95:  // FRAME
      CheckFrame();
      return true;
    case '.':  // STOP
      return false;
    default:
      Forbid(opcode);
  }
}

}  // namespace

Pickle ReadPickle(std::string_view bytes, const std::string& where) {
  Machine machine(bytes);
  try {
    return machine.Run();
  } catch (const PickleFault& fault) {
    throw config::Error(fault.what,
                        where + ": byte " + std::to_string(machine.opcode_at()),
                        fault.remedy);
  }
}

}  // namespace dfsweep::data
