#include "model/data/npy.h"

#include <charconv>
#include <set>

#include "model/config/error.h"

namespace dfsweep::data {
namespace {

// Reads the dictionary from left to right; every mismatch throws.
class Parser {
 public:
  Parser(std::string_view text, const std::string& where)
      : rest_(text), where_(where) {}

  NpyHeader Parse() {
    NpyHeader header;
    std::set<std::string> seen;
    Expect('{');
    while (!Accept('}')) {
      std::string key = String();
      Expect(':');
      if (!seen.insert(key).second) Fail("'" + key + "' is there twice");
      Value(key, &header);
      if (!Accept(',')) {
        Expect('}');
        break;
      }
    }
    SkipSpace();
    if (!rest_.empty()) Fail("something follows the closing brace");
    if (seen.size() != 3) Fail("a key is missing");
    return header;
  }

 private:
  [[noreturn]] void Fail(const std::string& why) const {
    throw config::Error("the array's header is damaged: " + why, where_,
                        "write the file again with numpy.savez_compressed");
  }

  void SkipSpace() {
    size_t end = rest_.find_first_not_of(" \n");
    rest_.remove_prefix(std::min(end, rest_.size()));
  }

  bool Accept(char c) {
    SkipSpace();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void Expect(char c) {
    if (!Accept(c)) Fail(std::string("expected '") + c + "'");
  }

  bool AcceptWord(std::string_view word) {
    SkipSpace();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::string String() {
    SkipSpace();
    if (rest_.empty() || (rest_[0] != '\'' && rest_[0] != '"')) {
      Fail("expected a string");
    }
    size_t end = rest_.find(rest_[0], 1);
    if (end == std::string_view::npos) Fail("a string has no end");
    std::string value(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return value;
  }

  void Value(const std::string& key, NpyHeader* header) {
    if (key == "descr") {
      if (Accept('[')) {
        throw config::Error(
            "the array has a compound type (named fields)", where_,
            "save directions and labels as two plain arrays, X and y");
      }
      header->type = String();
    } else if (key == "fortran_order") {
      header->fortran_order = AcceptWord("True");
      if (!header->fortran_order && !AcceptWord("False")) {
        Fail("fortran_order is neither True nor False");
      }
    } else if (key == "shape") {
      header->shape = Shape();
    } else {
      Fail("the key is unknown");
    }
  }

  std::vector<int64_t> Shape() {
    std::vector<int64_t> shape;
    int64_t product = 1;
    Expect('(');
    while (!Accept(')')) {
      SkipSpace();
      int64_t size = -1;
      auto [end, error] =
          std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || size < 0 ||
          __builtin_mul_overflow(product, size, &product)) {
        Fail("the shape has no meaning");
      }
      rest_.remove_prefix(end - rest_.data());
      shape.push_back(size);
      AcceptWord("L");  // Python 2 wrote long integers so
      if (!Accept(',')) {
        Expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view rest_;
  const std::string& where_;
};

}  // namespace

int64_t NpyHeader::Elements() const {
  int64_t product = 1;
  for (int64_t size : shape) product *= size;
  return product;
}

NpyHeader ParseNpyHeader(std::string_view text, const std::string& where) {
  return Parser(text, where).Parse();
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "(";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i ? ", " : "") + std::to_string(shape[i]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace dfsweep::data
