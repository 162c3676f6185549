#include "base/display_text.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace dfsweep {
namespace {

constexpr char32_t kInvalid = 0xFFFD;
constexpr std::string_view kEllipsis = "…";

struct Range {
  char32_t first, last;
};

// Characters that take no column; the common combining marks.
constexpr Range kZeroWidth[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x064B, 0x065F},
    {0x1160, 0x11FF}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D},
    {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF}};

// East Asian Wide and Fullwidth, and emoji.
constexpr Range kDoubleWidth[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
    {0xA960, 0xA97F},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF},
    {0x20000, 0x3FFFD}};

// Marks that reorder or hide text around them: how a name could show as
// another one.
constexpr Range kDeceptive[] = {
    {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFEFF, 0xFEFF}};

template <size_t kCount>
bool In(const Range (&ranges)[kCount], char32_t character) {
  return std::any_of(
      std::begin(ranges), std::end(ranges), [character](const Range& range) {
        return character >= range.first && character <= range.last;
      });
}

// Takes the first character off `rest`. An invalid byte is one kInvalid.
char32_t TakeCharacter(std::string_view& rest) {
  auto byte = [&rest](size_t i) { return static_cast<uint8_t>(rest[i]); };
  uint8_t lead = byte(0);
  size_t size = lead < 0x80           ? 1
                : (lead >> 5) == 0x06 ? 2
                : (lead >> 4) == 0x0E ? 3
                : (lead >> 3) == 0x1E ? 4
                                      : 0;
  char32_t character = size <= 1 ? lead : lead & (0x7F >> size);
  bool valid = size > 0 && size <= rest.size();
  for (size_t i = 1; valid && i < size; ++i) {
    valid = (byte(i) >> 6) == 0x02;
    character = (character << 6) | (byte(i) & 0x3F);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  valid = valid && character >= kLeast[size] && character <= 0x10FFFF &&
          (character < 0xD800 || character > 0xDFFF);
  rest.remove_prefix(valid ? size : 1);
  return valid ? character : kInvalid;
}

int WidthOf(char32_t character) {
  if (character < 0x300) return 1;
  if (In(kZeroWidth, character)) return 0;
  return In(kDoubleWidth, character) ? 2 : 1;
}

bool IsControl(char32_t character) {
  return character < 0x20 || (character >= 0x7F && character < 0xA0) ||
         In(kDeceptive, character);
}

// Quicker than character by character, for tables of a hundred thousand rows.
bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<uint8_t>(c - 0x20) < 0x7F - 0x20;
  });
}

}  // namespace

int DisplayWidth(std::string_view text) {
  if (IsAscii(text)) return static_cast<int>(text.size());
  int width = 0;
  while (!text.empty()) width += WidthOf(TakeCharacter(text));
  return width;
}

std::string CutToWidth(std::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width < 1) return "";
  std::string_view rest = text;
  int used = 0;
  while (true) {
    std::string_view after = rest;
    used += WidthOf(TakeCharacter(after));
    if (used > width - 1) break;
    rest = after;
  }
  return std::string(text.substr(0, text.size() - rest.size()))
      .append(kEllipsis);
}

std::string PadLeft(std::string_view text, int width) {
  return std::string(std::max(0, width - DisplayWidth(text)), ' ').append(text);
}

std::string PadRight(std::string_view text, int width) {
  return std::string(text).append(std::max(0, width - DisplayWidth(text)), ' ');
}

std::string WrapToWidth(std::string_view text, int width) {
  std::string result;
  std::string line;
  while (!text.empty()) {
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    bool is_first = line.find_first_not_of(' ') == std::string::npos;
    int needed = DisplayWidth(line) + (is_first ? 0 : 1) + DisplayWidth(word);
    if (needed > width && !is_first) {
      result += line + "\n";
      line = "  ";
      is_first = true;
    }
    if (!is_first) line += ' ';
    line += CutToWidth(word, width - DisplayWidth(line));
  }
  return result + line + "\n";
}

std::string Printable(std::string_view text, bool keep_newlines) {
  if (IsPrintableAscii(text)) return std::string(text);
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    std::string_view before = text;
    char32_t character = TakeCharacter(text);
    std::string_view bytes = before.substr(0, before.size() - text.size());
    if (character == '\n' && keep_newlines) {
      result += '\n';
    } else if (IsControl(character)) {
      result += ' ';
    } else if (character == kInvalid) {
      result += "\uFFFD";
    } else {
      result.append(bytes);
    }
  }
  return result;
}

std::string NumberText(double value) {
  char buffer[32];
  char* end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  // "1e+08" -> "1e8", "1e-05" -> "1e-5".
  if (size_t sign = text.find('e') + 1; sign != 0 && sign < text.size()) {
    size_t digits = text.find_first_not_of('0', sign + 1);
    text.erase(sign + 1, digits - sign - 1);
    if (text[sign] == '+') text.erase(sign, 1);
  }
  return text;
}

}  // namespace dfsweep
