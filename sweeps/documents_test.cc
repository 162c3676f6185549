// docs/ says what the program does.
#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "base/files.h"
#include "sweeps/expand.h"
#include "sweeps/reference.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {
namespace {

std::vector<std::string> YamlBlocks(const std::string& page) {
  const std::string fence = "```yaml\n";
  std::vector<std::string> blocks;
  for (size_t at = page.find(fence); at != std::string::npos;
       at = page.find(fence, at)) {
    at += fence.size();
    blocks.push_back(page.substr(at, page.find("```", at) - at));
  }
  return blocks;
}

TEST(Documents, EveryExampleOfTheGuideIsAValidSweep) {
  auto page = ReadFile("docs/sweep-file.md");
  ASSERT_TRUE(page.ok()) << FormatForPerson(page.status());
  std::vector<std::string> blocks = YamlBlocks(*page);
  EXPECT_GE(blocks.size(), 9u);
  for (std::string block : blocks) {
    // Examples show one construct; what every file must have is left out.
    if (block.find("dataset:") == std::string::npos) block += "dataset: d\n";
    auto sweep = ParseSweep(block, "docs/sweep-file.md", {});
    ASSERT_TRUE(sweep.ok()) << block << FormatForPerson(sweep.status());
    auto expansion = Expand(*sweep, std::string(64, 'a'));
    EXPECT_TRUE(expansion.ok()) << block << FormatForPerson(expansion.status());
  }
}

TEST(Documents, TheParameterPageIsThatOfTheTable) {
  std::string wanted = ParameterReferenceMarkdown();
  if (std::getenv("DFSWEEP_UPDATE_DOCS") != nullptr) {
    ASSERT_TRUE(WriteFileDurably("docs/parameters.md", wanted).ok());
  }
  auto page = ReadFile("docs/parameters.md");
  ASSERT_TRUE(page.ok()) << FormatForPerson(page.status());
  EXPECT_TRUE(*page == wanted)
      << "docs/parameters.md is not what the parameter table says; regenerate "
         "it: DFSWEEP_UPDATE_DOCS=1 build/tests/bin/sweeps_test "
         "--gtest_filter='Documents.*' in the repository's root";
}

}  // namespace
}  // namespace dfsweep::sweeps
