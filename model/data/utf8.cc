#include "model/data/utf8.h"

#include <array>

#include "model/data/limits.h"

namespace dfsweep::data {
namespace {

constexpr std::array<uint32_t, 4> kLeads = {0, 0xC0, 0xE0, 0xF0};
// The least code point that needs so many bytes after the lead.
constexpr std::array<uint32_t, 4> kLeast = {0, 0x80, 0x800, 0x10000};

bool IsCodePoint(uint32_t code) {
  return code <= 0x10FFFF && (code < 0xD800 || code >= 0xE000);
}

}  // namespace

bool AppendUtf8(std::string* out, uint32_t code) {
  if (!IsCodePoint(code)) return false;
  const int tail = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  out->push_back(static_cast<char>(kLeads[tail] | code >> (6 * tail)));
  for (int i = tail - 1; i >= 0; --i) {
    out->push_back(static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F)));
  }
  return true;
}

bool TakeUtf8(std::string_view* text, uint32_t* code) {
  if (text->empty()) return false;
  const auto lead = static_cast<uint8_t>(text->front());
  const int tail = lead < 0x80   ? 0
                   : lead < 0xC0 ? -1
                   : lead < 0xE0 ? 1
                   : lead < 0xF0 ? 2
                   : lead < 0xF8 ? 3
                                 : -1;
  if (tail < 0 || text->size() <= static_cast<size_t>(tail)) return false;
  *code = lead - kLeads[tail];
  for (int i = 1; i <= tail; ++i) {
    const auto byte = static_cast<uint8_t>((*text)[i]);
    if ((byte & 0xC0) != 0x80) return false;
    *code = *code << 6 | (byte & 0x3F);
  }
  text->remove_prefix(tail + 1);
  return *code >= kLeast[tail] && IsCodePoint(*code);
}

bool IsPrintable(uint32_t code) {
  return IsCodePoint(code) && code >= 0x20 && (code < 0x7F || code >= 0xA0);
}

bool IsClassName(std::string_view name) {
  if (name.empty() ||
      name.size() > static_cast<size_t>(4 * kMaxClassNameBytes)) {
    return false;
  }
  uint32_t code = 0;
  while (!name.empty()) {
    if (!TakeUtf8(&name, &code) || !IsPrintable(code)) return false;
  }
  return true;
}

}  // namespace dfsweep::data
