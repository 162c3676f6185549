// What an import must give, whatever it was given.
#ifndef DFSWEEP_TESTS_FUZZ_IMPORTED_H_
#define DFSWEEP_TESTS_FUZZ_IMPORTED_H_

#include <filesystem>

#include "model/config/error.h"
#include "model/data/import.h"
#include "model/data/npz_builder.h"
#include "tests/fuzz/target.h"

namespace dfsweep::fuzz {

// The folder of all inputs of this process, which changes what is in it.
inline const data::TemporaryFolder& Folder() {
  static const data::TemporaryFolder folder;
  return folder;
}

// A dataset that the trainer can open, or an error in three parts.
inline void ImportAndOpen(const std::filesystem::path& path) try {
  const data::ImportResult result =
      data::Import(path, {.repair_padding = true});
  data::WriteBytes(Folder() / "native.npz", data::NativeBytes(result.traces));
  const data::Dataset dataset(Folder() / "native.npz");
  Require(dataset.size() == result.traces.count &&
              dataset.length() == result.traces.length,
          "what was imported is what is opened");
} catch (const config::Error& error) {
  Require(!error.what_happened().empty() && !error.where().empty() &&
              !error.remedy().empty(),
          "an error has three parts", error.what());
}

}  // namespace dfsweep::fuzz

#endif  // DFSWEEP_TESTS_FUZZ_IMPORTED_H_
