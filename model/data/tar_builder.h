// For tests: makes tar archives.
#ifndef DFSWEEP_MODEL_DATA_TAR_BUILDER_H_
#define DFSWEEP_MODEL_DATA_TAR_BUILDER_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

#include "model/data/npz_builder.h"

namespace dfsweep::data {

// Header, contents and padding of one entry.
inline std::string TarEntry(const std::string& name,
                            const std::string& contents, char type = '0') {
  std::string header(512, '\0');
  auto put = [&](size_t at, const std::string& text) {
    header.replace(at, text.size(), text);
  };
  char size[16];
  std::snprintf(size, sizeof(size), "%011zo", contents.size());
  put(0, name.substr(0, 100));
  put(124, size);
  put(156, std::string(1, type));
  put(148, std::string(8, ' '));
  unsigned sum = 0;
  for (char c : header) sum += static_cast<uint8_t>(c);
  char checksum[16];
  std::snprintf(checksum, sizeof(checksum), "%06o", sum);
  put(148, std::string(checksum) + std::string("\0 ", 2));
  return header + contents +
         std::string((512 - contents.size() % 512) % 512, '\0');
}

inline std::string Tar(const Members& files) {
  std::string tar;
  for (const auto& [name, contents] : files) tar += TarEntry(name, contents);
  return tar + std::string(1024, '\0');
}

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_TAR_BUILDER_H_
