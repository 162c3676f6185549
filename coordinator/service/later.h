#ifndef DFSWEEP_COORDINATOR_SERVICE_LATER_H_
#define DFSWEEP_COORDINATOR_SERVICE_LATER_H_

#include <fmt/format.h>

#include <string_view>

#include "base/status.h"
#include "base/version.h"

namespace dfsweep::coordinator {

// What a method answers that only a later version has.
inline absl::Status ComesLater(std::string_view what) {
  return MakeError(absl::StatusCode::kUnimplemented,
                   fmt::format("{} come with a later version", what),
                   fmt::format("coordinator, dfsweep {}", kVersion),
                   "do without for now, or upgrade the coordinator");
}

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_LATER_H_
