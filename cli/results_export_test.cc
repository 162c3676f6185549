#include "cli/results_export.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dfsweep::cli {
namespace {

std::string ArrayOf(const std::vector<std::string>& pieces) {
  RowsArray array;
  std::string text;
  for (const std::string& piece : pieces) text += array.Next(piece);
  return text + array.End();
}

TEST(RowsArray, KeepsTheRowsByteForByte) {
  EXPECT_EQ(ArrayOf({"{\"b\":1.0,\"a\":[]}\n{}\n"}),
            "{\"results\": [\n{\"b\":1.0,\"a\":[]},\n{}\n]");
}

TEST(RowsArray, IsTheSameWhereverPiecesEnd) {
  const std::string rows = "{\"a\":1}\n{\"b\":\"x\"}\n";
  const std::string whole = ArrayOf({rows});
  for (size_t i = 0; i <= rows.size(); ++i) {
    EXPECT_EQ(ArrayOf({rows.substr(0, i), rows.substr(i)}), whole) << i;
  }
}

TEST(RowsArray, OfNoRowsIsEmpty) {
  EXPECT_EQ(Json::parse(ArrayOf({""}) + "}"),
            Json({{"results", Json::array()}}));
}

// So that an error of the call is all that --json prints.
TEST(RowsArray, HasNoTextBeforeTheFirstRow) {
  EXPECT_EQ(RowsArray().Next(""), "");
}

TEST(RowsArray, IsNoJsonWithoutItsEnd) {
  EXPECT_FALSE(Json::accept(RowsArray().Next("{}\n") + "}"));
}

}  // namespace
}  // namespace dfsweep::cli
