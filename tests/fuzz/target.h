// What every target of this folder is made of. One is a source file with
// LLVMFuzzerTestOneInput, as libFuzzer calls it; replay.cc calls it too, where
// there is no libFuzzer.
#ifndef DFSWEEP_TESTS_FUZZ_TARGET_H_
#define DFSWEEP_TESTS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace dfsweep::fuzz {

// Ends the program, which both mains count as a crash.
inline void Require(bool holds, std::string_view claim,
                    std::string_view detail = "") {
  if (holds) return;
  std::fprintf(stderr, "not so: %.*s\n%.*s\n", static_cast<int>(claim.size()),
               claim.data(), static_cast<int>(detail.size()), detail.data());
  std::abort();
}

inline std::string_view Text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// End parts of an input. Lengths would not survive most mutations.
inline constexpr std::string_view kEndOfPart = "\xff\xfe\xfd\xfc";
inline constexpr std::string_view kEndOfSubpart = "\xff\xfe\xfd\xfb";

// An input as a row of fields, none of which is ever missing: at its end they
// are zero or empty.
class Fields {
 public:
  Fields(const uint8_t* data, size_t size) : rest_(Text(data, size)) {}
  explicit Fields(std::string_view text) : rest_(text) {}

  bool empty() const { return rest_.empty(); }
  uint8_t Byte() {
    const std::string_view byte = Take(1);
    return byte.empty() ? 0 : static_cast<uint8_t>(byte[0]);
  }
  // Up to the next `end`, which is skipped.
  std::string Part(std::string_view end = kEndOfPart) {
    const std::string part(Take(rest_.find(end)));
    Take(end.size());
    return part;
  }
  std::string Rest() { return std::string(Take(rest_.size())); }

 private:
  std::string_view Take(size_t count) {
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  std::string_view rest_;
};

}  // namespace dfsweep::fuzz

#endif  // DFSWEEP_TESTS_FUZZ_TARGET_H_
