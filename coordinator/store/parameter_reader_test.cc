#include "coordinator/store/parameter_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace dfsweep::coordinator {
namespace {

using Json = nlohmann::json;

std::vector<ParameterSet> ReadAll(const std::vector<std::string>& texts) {
  ParameterReader reader;
  std::vector<ParameterSet> sets;
  for (const std::string& text : texts) sets.push_back(reader.Read(text));
  return sets;
}

TEST(ParameterReader, ReadsEachWhateverCameBefore) {
  const std::vector<std::string> texts = {
      R"({"epochs":8,"strategy":"naive"})",
      R"({"epochs":8})",
      R"({"epochs":80,"strategy":"naive"})",
      R"({"bn":"train","epochs":8,"si.c":0.5,"strategy":"si"})",
      R"({"epochs":{"per_task":[30,10]},"strategy":"naive","x":"a,\"}b"})",
      R"({ "epochs": 9, "x": null })",  // not canonical
      R"({"strategy":"naive","x":"a,\"}b","y":{}})",
      "{}",
      R"({"epochs":8,"strategy":"naive"})",
  };

  const std::vector<ParameterSet> sets = ReadAll(texts);

  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(sets[i], ParameterSet(Json::parse(texts[i]))) << texts[i];
  }
}

TEST(ParameterReader, SharesWhatIsEqual) {
  const std::vector<ParameterSet> sets =
      ReadAll({R"({"epochs":8,"model":"df","x":1})",
               R"({"epochs":9,"model":"df","x":1})",
               R"({"epochs":9,"lambda":3,"model":"df","x":1})",
               R"({"epochs":9,"model":"df","x":1})",
               R"({"epochs":9,"model":"df","x":1})"});

  EXPECT_NE(sets[1].Find("epochs"), sets[0].Find("epochs"));
  EXPECT_EQ(sets[2].Find("epochs"), sets[1].Find("epochs"));
  for (const ParameterSet& set : sets) {
    EXPECT_EQ(set.Find("model"), sets[0].Find("model"));
    EXPECT_EQ(set.Find("x"), sets[0].Find("x"));
  }
  EXPECT_FALSE(sets[3].IsSame(sets[1]));
  EXPECT_TRUE(sets[4].IsSame(sets[3]));
}

TEST(ParameterReader, SetsOutliveIt) {
  std::optional<ParameterReader> reader(std::in_place);
  const ParameterSet set = reader->Read(R"({"epochs":8})");
  reader.reset();

  ASSERT_NE(set.Find("epochs"), nullptr);
  EXPECT_EQ(*set.Find("epochs"), Json(8));
}

TEST(ParameterReader, RefusesWhatIsNoJson) {
  for (const char* text : {"", R"({"a":1,"b":2)", R"({"a":1,"b":2}})",
                           R"(["a":1,"b":2})", R"({"a":1,})", R"({"a":x})"}) {
    ParameterReader reader;
    reader.Read(R"({"a":1,"b":2})");
    EXPECT_THROW(reader.Read(text), Json::parse_error) << text;
  }
}

}  // namespace
}  // namespace dfsweep::coordinator
