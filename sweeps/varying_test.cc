#include "sweeps/varying.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> VaryingOf(const std::string& parameters) {
  std::string text =
      "name: x\ndataset: d\nmethod: grid\nseeds: 2\nparameters: " + parameters;
  Sweep sweep = ParseSweep(text, "x.yaml", {}).value();
  return VaryingParameters(Expand(sweep, std::string(64, 'a')).value());
}

TEST(VaryingParameters, SeedsAndFixedValuesDoNotVary) {
  EXPECT_THAT(VaryingOf("{strategy: naive, epochs: 3}"), IsEmpty());
}

TEST(VaryingParameters, ThoseOfTheGridInTheOrderOfTheReference) {
  EXPECT_THAT(VaryingOf("{epochs: [1, 2], strategy: [naive, ewc], "
                        "ewc.lambda: [1, 10], ewc.fisher_samples: 5}"),
              ElementsAre("strategy", "ewc.lambda", "epochs"));
}

TEST(VaryingParameters, OneValueThatOnlySomeHaveDoesNotVary) {
  EXPECT_THAT(VaryingOf("{strategy: [naive, ewc], ewc.lambda: 10}"),
              ElementsAre("strategy"));
}

}  // namespace
}  // namespace dfsweep::sweeps
