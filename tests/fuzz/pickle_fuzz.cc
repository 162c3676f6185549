// A pickle, as traces and as labels: rows, labels or config::Error.
#include "model/config/error.h"
#include "model/data/pickled_arrays.h"
#include "tests/fuzz/target.h"

namespace dfsweep::fuzz {
namespace {

void RequireThreeParts(const config::Error& error) {
  Require(!error.what_happened().empty() && !error.where().empty() &&
              !error.remedy().empty(),
          "an error has three parts", error.what());
}

void ReadRows(std::string_view bytes) try {
  data::CellRows rows("fuzz.pkl", /*with_times=*/true);
  data::AddPickledRows(bytes, "fuzz.pkl", &rows);
  data::Traces traces;
  std::move(rows).Finish({}, &traces);
} catch (const config::Error& error) {
  RequireThreeParts(error);
}

void ReadLabels(std::string_view bytes) try {
  data::ReadPickledLabels(bytes, "fuzz.pkl");
} catch (const config::Error& error) {
  RequireThreeParts(error);
}

}  // namespace
}  // namespace dfsweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dfsweep::fuzz::ReadRows(dfsweep::fuzz::Text(data, size));
  dfsweep::fuzz::ReadLabels(dfsweep::fuzz::Text(data, size));
  return 0;
}
