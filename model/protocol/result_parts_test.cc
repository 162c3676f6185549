#include "model/protocol/result_parts.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "model/protocol/protocol.h"

namespace dfsweep::protocol {
namespace {

using nlohmann::json;

json Matrix(const char* labels, const char* counts) {
  return {{"labels", json::parse(labels)}, {"counts", json::parse(counts)}};
}

TEST(CheckedConfusionMatrix, KeepsWhatIsKnown) {
  const json matrix = Matrix("[-1, 10, 999999]", "[[1,0,2],[1,1,7],[2,1,3]]");
  EXPECT_EQ(CheckedConfusionMatrix(matrix), matrix);
  EXPECT_EQ(CheckedConfusionMatrix(Matrix("[]", "[]")), Matrix("[]", "[]"));
  json more = matrix;
  more["note"] = "x";
  EXPECT_EQ(CheckedConfusionMatrix(more), matrix);
}

TEST(CheckedConfusionMatrix, RefusesWhatIsNone) {
  auto refuses = [](const json& matrix) {
    EXPECT_THROW(CheckedConfusionMatrix(matrix), std::invalid_argument)
        << matrix.dump();
  };
  for (const char* text :
       {"null", "7", "[[1]]", "{}", R"({"labels":[1]})", R"({"counts":[]})",
        R"({"labels":{},"counts":[]})", R"({"labels":[],"counts":3})"}) {
    refuses(json::parse(text));
  }
  for (const char* labels :
       {"[2,1]", "[1,1]", "[-2]", "[1000000]", "[1.5]", "[\"1\"]", "[null]",
        "[18446744073709551615]", "[-9223372036854775808]"}) {
    refuses(Matrix(labels, "[]"));
  }
  for (const char* counts :
       {"[[0,0]]", "[[0,0,1,1]]", "[7]", "[[0,0,0]]", "[[0,0,-1]]",
        "[[0,0,1.5]]", "[[0,0,1e300]]", "[[2,0,1]]", "[[0,2,1]]", "[[-1,0,1]]",
        "[[0,0,18446744073709551615]]", "[[0,0,1],[0,0,1]]",
        "[[0,1,1],[0,0,1]]", "[[1,0,1],[0,1,1]]"}) {
    refuses(Matrix("[1,2]", counts));
  }
}

TEST(CheckedConfusionMatrix, RefusesWhatDoesNotFitALine) {
  json matrix = Matrix("[]", "[]");
  for (size_t i = 0; i < kMaxConfusionLabels; ++i) {
    matrix["labels"].push_back(i);
  }
  for (size_t i = 0; i < kMaxConfusionEntries; ++i) {
    matrix["counts"].push_back({i / 10, 9000 + i % 10, 9'999'999});
  }
  EXPECT_EQ(CheckedConfusionMatrix(matrix), matrix);
  EXPECT_LT(matrix.dump().size(), kMaxLineBytes / 3);
  json more = matrix;
  more["counts"].push_back({9999, 0, 1});
  EXPECT_THROW(CheckedConfusionMatrix(more), std::invalid_argument);
  matrix["labels"].push_back(kMaxConfusionLabels);
  EXPECT_THROW(CheckedConfusionMatrix(matrix), std::invalid_argument);
}

json OpenWorld() {
  json point = {{"threshold", 0},       {"true_positives", 3},
                {"wrong_site", 1},      {"false_negatives", 0},
                {"false_positives", 2}, {"true_negatives", 5},
                {"precision", .6},      {"recall", 1}};
  json next = point;
  next["threshold"] = .5;
  return {{"unmonitored", 9}, {"points", {point, next}}};
}

TEST(CheckedOpenWorld, KeepsWhatIsKnown) {
  EXPECT_EQ(CheckedOpenWorld(OpenWorld()), OpenWorld());
  json more = OpenWorld();
  more["note"] = more["points"][0]["note"] = "x";
  EXPECT_EQ(CheckedOpenWorld(more), OpenWorld());
}

TEST(CheckedOpenWorld, RefusesWhatIsNone) {
  auto refuses = [](const char* pointer, const json& value) {
    json open_world = OpenWorld();
    open_world[json::json_pointer(pointer)] = value;
    EXPECT_THROW(CheckedOpenWorld(open_world), std::invalid_argument)
        << pointer << " " << value;
  };
  refuses("", 7);
  refuses("/unmonitored", -1);
  refuses("/unmonitored", nullptr);
  refuses("/points", 7);
  refuses("/points/0", json::array());
  refuses("/points/0/threshold", 1.5);
  refuses("/points/0/threshold", .5);  // not in order
  refuses("/points/0/wrong_site", 4);
  refuses("/points/0/true_negatives", -1);
  refuses("/points/0/false_negatives", .5);
  refuses("/points/0/false_positives", nullptr);
  refuses("/points/0/recall", 1.01);
  refuses("/points/0/fpr", "x");
}

// A line or a message has room for it.
TEST(CheckedPart, RefusesNestingThatNoStackHolds) {
  const std::string deep =
      std::string(1'000'000, '[') + std::string(1'000'000, ']');
  json parts[] = {Matrix("[1]", "[[0,0,2]]"), OpenWorld(), OpenWorld()};
  parts[0]["labels"] = json::parse(deep);
  parts[1]["unmonitored"] = json::parse(deep);
  parts[2]["points"][0]["recall"] = json::parse(deep);
  EXPECT_THROW(CheckedConfusionMatrix(parts[0]), std::invalid_argument);
  EXPECT_THROW(CheckedOpenWorld(parts[1]), std::invalid_argument);
  EXPECT_THROW(CheckedOpenWorld(parts[2]), std::invalid_argument);
}

TEST(CheckedPart, IsByItsNameAndRefusesOthers) {
  EXPECT_EQ(CheckedPart("open_world", OpenWorld()), OpenWorld());
  const json matrix = Matrix("[1]", "[[0,0,2]]");
  EXPECT_EQ(CheckedPart("confusion_matrix", matrix), matrix);
  EXPECT_THROW(CheckedPart("open_world", matrix), std::invalid_argument);
  EXPECT_THROW(CheckedPart("other", matrix), std::invalid_argument);
}

}  // namespace
}  // namespace dfsweep::protocol
