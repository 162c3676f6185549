// A part of a result, under each of the names: what is kept of it is such a
// part itself.
#include <stdexcept>

#include "model/protocol/result_parts.h"
#include "tests/fuzz/target.h"

namespace dfsweep::fuzz {
namespace {

using nlohmann::json;

void Check(const std::string& name, const json& part) try {
  const json kept = protocol::CheckedPart(name, part);
  Require(protocol::CheckedPart(name, json::parse(kept.dump())) == kept,
          "what was checked can be checked again", kept.dump());
} catch (const std::invalid_argument&) {
}

}  // namespace
}  // namespace dfsweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dfsweep::fuzz;
  const json part =
      json::parse(Text(data, size), nullptr, /*allow_exceptions=*/false);
  for (const char* name : dfsweep::protocol::kPartNames) Check(name, part);
  Check("strange", part);
  return 0;
}
