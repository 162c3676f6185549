#ifndef DFSWEEP_BASE_DIGEST_H_
#define DFSWEEP_BASE_DIGEST_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace dfsweep {

// SHA-256, fed in pieces. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::string_view bytes);

  // 64 lower-case hexadecimal digits. Call once, last.
  std::string Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string Sha256Hex(std::string_view bytes);

// kNotFound or kUnavailable if the file can't be read.
absl::StatusOr<std::string> Sha256OfFile(const std::filesystem::path& path);

// Whether `text` is 64 lower-case hexadecimal digits: the only form in which a
// digest from outside is ever used as a file name.
bool IsSha256Hex(std::string_view text);

// Whether two secrets are equal, in a time that depends on their sizes alone.
bool SecretsAreEqual(std::string_view a, std::string_view b);

// `bytes` random bytes from the operating system, as hexadecimal digits.
std::string RandomHex(int bytes);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_DIGEST_H_
