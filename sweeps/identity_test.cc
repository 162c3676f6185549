#include "sweeps/identity.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>

#include "base/digest.h"
#include "model/config/parameters.h"

namespace dfsweep::sweeps {
namespace {

using nlohmann::json;

// RFC 8785, appendix B: IEEE 754 bits and the JSON they must give.
TEST(CanonicalJson, NumbersAreThoseOfTheStandardsTable) {
  const std::pair<uint64_t, const char*> table[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : table) {
    EXPECT_EQ(CanonicalJson(std::bit_cast<double>(bits)), text);
  }
}

TEST(CanonicalJson, InfiniteAndMissingNumbersAreRefused) {
  EXPECT_THROW(CanonicalJson(std::numeric_limits<double>::infinity()),
               std::invalid_argument);
  EXPECT_THROW(CanonicalJson(std::numeric_limits<double>::quiet_NaN()),
               std::invalid_argument);
}

TEST(CanonicalJson, WholeRealsAndIntegersLookTheSame) {
  EXPECT_EQ(CanonicalJson(1), "1");
  EXPECT_EQ(CanonicalJson(1.0), "1");
  EXPECT_EQ(CanonicalJson(1e-7), "1e-7");
  EXPECT_EQ(CanonicalJson(1e6), "1000000");
}

TEST(CanonicalJson, IsTheStandardsExample) {  // RFC 8785, section 3.2.2
  json input = json::parse(R"({
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3,
                0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]})");
  EXPECT_EQ(CanonicalJson(input),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,"
            "1e+30,4.5,0.002,1e-27],\"string\":\"\u20ac$\\u000f\\nA'B\\\"\\\\"
            "\\\\\\\"/\"}");
}

TEST(CanonicalJson, KeysAreInUtf16Order) {  // RFC 8785, section 3.2.3
  json input = json::parse(R"({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4,
                               "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7})");
  EXPECT_EQ(CanonicalJson(input),
            "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,"
            "\"\U0001F600\":5,\"\uFB33\":3}");
}

TEST(CanonicalJson, TextThatIsNotUtf8IsRefused) {
  EXPECT_THROW(CanonicalJson(json("\xff")), std::invalid_argument);
}

TEST(TrialId, IsTheDigestOfTheDocumentedText) {
  EXPECT_EQ(TrialId({{"strategy", "naive"}}, "abc", 7),
            Sha256Hex(R"({"dataset":"abc","parameters":{"strategy":"naive"},)"
                      R"("schema":1,"seed":7})"));
}

TEST(TrialId, DependsOnDatasetParametersAndSeed) {
  json parameters = {{"strategy", "naive"}};
  std::string id = TrialId(parameters, "abc", 0);
  EXPECT_NE(id, TrialId(parameters, "abd", 0));
  EXPECT_NE(id, TrialId(parameters, "abc", 1));
  EXPECT_NE(id, TrialId({{"strategy", "joint"}}, "abc", 0));
}

TEST(TrialId, IgnoresHowAValueWasWrittenAndWhatHasNoEffect) {
  json plain = config::Effective({{"learning_rate", 1}});
  json other = config::Effective({{"learning_rate", 1.0}, {"ewc.lambda", 100}});
  EXPECT_EQ(TrialId(plain, "abc", 0), TrialId(other, "abc", 0));
}

}  // namespace
}  // namespace dfsweep::sweeps
