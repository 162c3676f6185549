// For tests: makes pickles, well-formed or not.
#ifndef DFSWEEP_MODEL_DATA_PICKLE_BUILDER_H_
#define DFSWEEP_MODEL_DATA_PICKLE_BUILDER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dfsweep::data {

inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes.push_back(static_cast<char>(
        std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
  }
  return bytes;
}

// What stands between PROTO and STOP for a list of small numbers, as Python's
// protocol 2 writes it.
inline std::string ListOpcodes(const std::vector<int8_t>& numbers) {
  std::string opcodes = "](";
  for (int8_t number : numbers) {
    if (number >= 0) {
      opcodes += {'K', static_cast<char>(number)};
    } else {
      opcodes += {'J', static_cast<char>(number), '\xff', '\xff', '\xff'};
    }
  }
  return opcodes + "e";
}

inline std::string ListPickle(const std::vector<int8_t>& numbers) {
  return "\x80\x02" + ListOpcodes(numbers) + ".";
}

inline std::string RowsPickle(const std::vector<std::vector<int8_t>>& rows) {
  std::string pickle = "\x80\x02](";
  for (const std::vector<int8_t>& row : rows) pickle += ListOpcodes(row);
  return pickle + "e.";
}

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_PICKLE_BUILDER_H_
