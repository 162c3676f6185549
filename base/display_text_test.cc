#include "base/display_text.h"

#include <gtest/gtest.h>

namespace dfsweep {
namespace {

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(DisplayWidth("ewc.lambda"), 10);
  EXPECT_EQ(DisplayWidth("71.2 ± 0.3"), 10);
  EXPECT_EQ(DisplayWidth("한국어"), 6);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
  EXPECT_EQ(DisplayWidth("\xff"), 1);
}

TEST(CutToWidth, EndsWithAnEllipsisWithinTheWidth) {
  EXPECT_EQ(CutToWidth("laptop", 6), "laptop");
  EXPECT_EQ(CutToWidth("laptop", 5), "lapt…");
  EXPECT_EQ(CutToWidth("한국어", 4), "한…");
  EXPECT_EQ(CutToWidth("laptop", 0), "");
}

TEST(Pad, FillsByColumnsAndNeverCuts) {
  EXPECT_EQ(PadRight("한", 4), "한  ");
  EXPECT_EQ(PadLeft("±1", 4), "  ±1");
  EXPECT_EQ(PadLeft("laptop", 3), "laptop");
}

TEST(WrapToWidth, BreaksAtSpacesAndIndents) {
  EXPECT_EQ(WrapToWidth("one two three", 8), "one two\n  three\n");
  EXPECT_EQ(WrapToWidth("extraordinary", 5), "extr…\n");
  EXPECT_EQ(WrapToWidth("", 5), "\n");
}

TEST(Printable, DisarmsControlSequencesAndBrokenUtf8) {
  EXPECT_EQ(Printable("a\x1b[31mb"), "a [31mb");
  EXPECT_EQ(Printable("a\u202eb"), "a b");
  EXPECT_EQ(Printable("a\u009bb"), "a b");
  EXPECT_EQ(Printable("a\xffz"), "a\uFFFDz");
  EXPECT_EQ(Printable("a\nb"), "a b");
  EXPECT_EQ(Printable("a\nb", /*keep_newlines=*/true), "a\nb");
  EXPECT_EQ(Printable("λ 한국어"), "λ 한국어");
}

TEST(Printable, RefusesOverlongAndSurrogateForms) {
  EXPECT_EQ(Printable("\xc0\x8a"), "\uFFFD\uFFFD");
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
}

TEST(NumberText, IsShortAndExact) {
  EXPECT_EQ(NumberText(0), "0");
  EXPECT_EQ(NumberText(0.5), "0.5");
  EXPECT_EQ(NumberText(10000), "10000");
  EXPECT_EQ(NumberText(1e8), "1e8");
  EXPECT_EQ(NumberText(1.5e6), "1500000");
  EXPECT_EQ(NumberText(-2.5e-7), "-2.5e-7");
  EXPECT_EQ(NumberText(1e-10), "1e-10");
  EXPECT_EQ(NumberText(1e100), "1e100");
  EXPECT_EQ(NumberText(123456789), "123456789");
}

}  // namespace
}  // namespace dfsweep
