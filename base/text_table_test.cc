#include "base/text_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dfsweep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TextTable Example() {
  return {
      .columns = {{.header = "name"},
                  {.header = "accuracy", .align_right = true, .priority = 2},
                  {.header = "seconds", .align_right = true, .priority = 1}},
      .rows = {{{"joint"}, {"71.2 ± 0.3", true}, {"12.0"}},
               {{"한국어"}, {"–"}, {"7"}}}};
}

TEST(TextTable, AlignsByColumnsWithoutTrailingSpaces) {
  RenderedTable rendered = Render(Example(), 0, false);

  EXPECT_EQ(rendered.text,
            "name      accuracy  seconds\n"
            "joint   71.2 ± 0.3     12.0\n"
            "한국어           –        7\n");
  EXPECT_THAT(rendered.hidden, IsEmpty());
  EXPECT_EQ(NaturalWidth(Example()), 27);
}

TEST(TextTable, HidesTheLeastImportantColumnFirst) {
  RenderedTable rendered = Render(Example(), 26, false);

  EXPECT_EQ(rendered.text,
            "name      accuracy\n"
            "joint   71.2 ± 0.3\n"
            "한국어           –\n");
  EXPECT_THAT(rendered.hidden, ElementsAre("seconds"));
}

TEST(TextTable, CutsWhatMayNotBeHidden) {
  RenderedTable rendered = Render(Example(), 4, false);

  EXPECT_EQ(rendered.text, "name\njoi…\n한…\n");
  EXPECT_THAT(rendered.hidden, ElementsAre("accuracy", "seconds"));
}

TEST(TextTable, StylesOnlyTheTextAndOnlyWithColor) {
  TextTable table{.columns = {{.header = "a", .align_right = true}},
                  .rows = {{{"b", true}}, {{"cc"}}}};

  EXPECT_EQ(Render(table, 0, true).text,
            " \x1b[4ma\x1b[0m\n \x1b[1mb\x1b[0m\ncc\n");
  EXPECT_EQ(Render(table, 0, false).text, " a\n b\ncc\n");
}

}  // namespace
}  // namespace dfsweep
