#include "base/flat_json.h"

#include <gtest/gtest.h>

namespace dfsweep {
namespace {

TEST(ReadMembers, SplitsWhereJsonDoes) {
  std::vector<JsonMember> members = {{"from", "before"}};

  ASSERT_TRUE(ReadMembers(
      R"({"a":1e-8,"b":"x,\"}{:","c":[["0-4",{"d":2}],3],"e":{},"f":null})",
      members));

  ASSERT_EQ(members.size(), 5u);
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(members[0].value, "1e-8");
  EXPECT_EQ(members[1].value, R"("x,\"}{:")");
  EXPECT_EQ(members[2].name, "c");
  EXPECT_EQ(members[2].value, R"([["0-4",{"d":2}],3])");
  EXPECT_EQ(members[3].value, "{}");
  EXPECT_EQ(members[4].name, "f");
  EXPECT_EQ(members[4].value, "null");
}

TEST(ReadMember, GoesFromOneToTheNext) {
  const std::string_view object = R"({"a":[1,2],"b":3})";
  JsonMember member;
  size_t at = 0;

  ASSERT_TRUE(ReadMember(object, at, member));
  EXPECT_EQ(member.name, "a");
  EXPECT_EQ(member.value, "[1,2]");
  EXPECT_EQ(object.substr(at), R"(,"b":3})");
  ASSERT_TRUE(ReadMember(object, at, member));
  EXPECT_EQ(member.name, "b");
  EXPECT_EQ(object.substr(at), "}");
  EXPECT_FALSE(ReadMember(object, at, member));
}

TEST(ReadMembers, AnEmptyObjectHasNone) {
  std::vector<JsonMember> members = {{"from", "before"}};
  EXPECT_TRUE(ReadMembers("{}", members));
  EXPECT_TRUE(members.empty());
}

TEST(ReadMembers, RefusesWhatIsNoObjectWithoutSpaces) {
  std::vector<JsonMember> members;
  for (const char* text :
       {"", "{", "}", "[]", "1", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\":1",
        "{\"a\":1,", "{\"a\":1,}", "{\"a\":\"b", "{\"a\":\"b\\", "{\"a\":[1}",
        "{\"a\":1]", "{\"a\":1}x", "{a:1}", "{ \"a\":1}", "{\"a\" :1}"}) {
    EXPECT_FALSE(ReadMembers(text, members)) << text;
  }
}

TEST(SelectMembers, KeepsTheNamedOnesInTheirOrder) {
  constexpr char kObject[] = R"({"a":1,"b.c":"d","e":[1,2]})";
  EXPECT_EQ(SelectMembers(kObject, {"e", "a"}), R"({"a":1,"e":[1,2]})");
  EXPECT_EQ(SelectMembers(kObject, {"b.c", "x"}), R"({"b.c":"d"})");
  EXPECT_EQ(SelectMembers(kObject, {"x"}), "{}");
}

TEST(SelectMembers, KeepsAllOfWhatItCannotRead) {
  EXPECT_EQ(SelectMembers(R"({ "a": 1})", {"b"}), R"({ "a": 1})");
}

}  // namespace
}  // namespace dfsweep
