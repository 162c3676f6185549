// The sweep files that come with the repository: each is valid, and runs as
// many trials as its first lines say.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "sweeps/expand.h"
#include "sweeps/plan.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {
namespace {

struct Expected {
  const char* file;
  size_t trials;
  int64_t epochs;
};

class ReadySweep : public testing::TestWithParam<Expected> {};

TEST_P(ReadySweep, IsValidAndAsLargeAsItSays) {
  auto text = ReadFile(GetParam().file);
  ASSERT_TRUE(text.ok()) << FormatForPerson(text.status());
  auto sweep = ParseSweep(*text, GetParam().file, {});
  ASSERT_TRUE(sweep.ok()) << FormatForPerson(sweep.status());
  auto expansion = Expand(*sweep, std::string(64, 'a'));
  ASSERT_TRUE(expansion.ok()) << FormatForPerson(expansion.status());

  EXPECT_EQ(expansion->trials.size(), GetParam().trials);
  Plan plan =
      MakePlan(*sweep, *expansion, [](std::string_view) { return false; });
  EXPECT_EQ(plan.epochs, GetParam().epochs);
  std::string head = text->substr(0, text->find("\nname:"));
  EXPECT_NE(head.find("?"), std::string::npos) << "no question at the top";
  EXPECT_NE(head.find("Cost: " + std::to_string(GetParam().trials) + " trials"),
            std::string::npos)
      << head;
}

INSTANTIATE_TEST_SUITE_P(
    All, ReadySweep,
    testing::Values(
        // 2 seeds of joint (8 epochs), naive and 3 x ewc (16 each).
        Expected{"sweeps/quickstart.yaml", 10, 2 * (8 + 4 * 16)},
        Expected{"sweeps/three_settings.yaml", 9, 3 * (30 + 2 * 60)},
        Expected{"sweeps/ewc_lambda.yaml", 90, 3 * (30 + 29 * 60)},
        Expected{"sweeps/epochs_and_length.yaml", 108,
                 3 * 3 * (190 + 2 * 380)}),
    [](const auto& info) {
      return std::filesystem::path(info.param.file).stem().string();
    });

}  // namespace
}  // namespace dfsweep::sweeps
