#include "coordinator/results/export.h"

#include <gtest/gtest.h>

namespace dfsweep::coordinator {
namespace {

TEST(Export, NothingIsAnEmptyTable) {
  absl::StatusOr<std::string> text = Export({}, {});

  ASSERT_TRUE(text.ok()) << text.status();
}

}  // namespace
}  // namespace dfsweep::coordinator
