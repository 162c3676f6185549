#include "sweeps/yaml_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dfsweep::sweeps {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json Read(const std::string& text) {
  auto node = ReadYaml(text, "f.yaml");
  EXPECT_TRUE(node.ok()) << FormatForPerson(node.status());
  return node.ok() ? ToJson(*node) : json();
}

ErrorParts ErrorOf(const std::string& text) {
  auto node = ReadYaml(text, "f.yaml");
  EXPECT_FALSE(node.ok()) << text;
  EXPECT_EQ(node.status().code(), absl::StatusCode::kInvalidArgument);
  ErrorParts parts = PartsOf(MessageOf(node.status()));
  EXPECT_NE(parts.what, "");
  EXPECT_NE(parts.where, "");
  EXPECT_NE(parts.remedy, "");
  return parts;
}

TEST(YamlReader, ScalarsFollowYaml12WithBareExponents) {
  EXPECT_EQ(Read("[1e-3, 1e6, -2.5E+1, .5, 7., +3, 0x1F, 0o17, 007]"),
            json({1e-3, 1e6, -25.0, 0.5, 7.0, 3, 31, 15, 7}));
  EXPECT_EQ(Read("[true, False, yes, no, on, off]"),
            json({true, false, "yes", "no", "on", "off"}));
  EXPECT_EQ(Read("[1_000, 1e, e5, 12:30, 0-42, '1', \"true\"]"),
            json({"1_000", "1e", "e5", "12:30", "0-42", "1", "true"}));
  EXPECT_EQ(Read("[null, ~, x]"), json({nullptr, nullptr, "x"}));
}

TEST(YamlReader, KnowsThePlaceOfEveryValue) {
  auto root = ReadYaml("a: 1\nb:\n  - x\n  - {c: 2}\n", "f.yaml");
  ASSERT_TRUE(root.ok());
  EXPECT_EQ(root->entries[1].where, "f.yaml:2:1");
  const Node& list = *root->Find("b");
  EXPECT_EQ(list.items[0].where, "f.yaml:3:5");
  EXPECT_EQ(list.items[1].Find("c")->where, "f.yaml:4:9");
}

TEST(YamlReader, NumbersThatAreNotFiniteAreRefused) {
  EXPECT_THAT(ErrorOf("a: .inf").what, HasSubstr("not a finite number"));
  EXPECT_THAT(ErrorOf("a: .nan").what, HasSubstr("not a finite number"));
  EXPECT_EQ(ErrorOf("a: 1\nb: 1e999").where, "f.yaml:2:4");
}

TEST(YamlReader, DuplicateKeysAreRefused) {
  ErrorParts error = ErrorOf("a: 1\nb: 2\na: 3\n");
  EXPECT_THAT(error.what, HasSubstr("'a' is given twice"));
  EXPECT_THAT(error.where, HasSubstr("f.yaml:3:"));
}

TEST(YamlReader, AliasesAndMergeKeysAreExpanded) {
  EXPECT_EQ(Read("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: *x"),
            json::parse(R"({"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3},
                            "c": {"p": 1, "q": 2}})"));
  EXPECT_EQ(Read("a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}")["c"],
            json({{"p", 1}, {"q", 2}}));
  EXPECT_EQ(Read("a: &x {p: 1}\nb: {p: 5, <<: *x}")["b"], json({{"p", 5}}));
  ErrorOf("a: {<<: 3}");
}

TEST(YamlReader, AnAliasInsideItsOwnAnchorIsRefused) {
  ErrorOf("a: &x [*x]");
  ErrorOf("a: *nowhere");
}

TEST(YamlReader, ManyAliasesOfAliasesAreRefusedQuickly) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) text += "*a" + std::to_string(i - 1) + ", ";
    text += "x]\n";
  }
  EXPECT_THAT(ErrorOf(text).what, HasSubstr("more than 100000 values"));
}

TEST(YamlReader, DeepNestingIsRefused) {
  EXPECT_THAT(ErrorOf(std::string(100, '[') + std::string(100, ']')).what,
              HasSubstr("nested more than 64 deep"));
  ErrorOf(std::string(500'000, '['));
  ErrorOf(std::string(500'000, '{'));
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 100; ++i) {
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" +
             std::to_string(i - 1) + "]\n";
  }
  EXPECT_THAT(ErrorOf(chain).what, HasSubstr("nested more than 64 deep"));
}

TEST(YamlReader, TextThatIsNoSweepFileIsRefused) {
  EXPECT_THAT(ErrorOf("").what, HasSubstr("empty"));
  EXPECT_THAT(ErrorOf("# only a comment\n").what, HasSubstr("empty"));
  EXPECT_THAT(ErrorOf("a: \xff\xfe").what, HasSubstr("not UTF-8"));
  EXPECT_THAT(ErrorOf(std::string("a\0b", 3)).what, HasSubstr("control"));
  EXPECT_THAT(ErrorOf("a: 1\n---\nb: 2\n").what, HasSubstr("more than one"));
  EXPECT_THAT(ErrorOf(std::string((1 << 20) + 1, '#')).what,
              HasSubstr("1048577 bytes"));
}

TEST(YamlReader, ATabAsIndentationIsRefusedWithItsPlace) {
  ErrorParts error = ErrorOf("a:\n \tb: 1\n");
  EXPECT_THAT(error.what, HasSubstr("tab"));
  EXPECT_EQ(error.where, "f.yaml:2:2");
  EXPECT_EQ(error.remedy, "indent with spaces");
}

TEST(YamlReader, SyntaxErrorsHaveTheirPlace) {
  EXPECT_THAT(ErrorOf("a: 1\nb: [1, 2\n").where, HasSubstr("f.yaml:"));
  EXPECT_THAT(ErrorOf("a: {b: 1\nc: 2").where, HasSubstr("f.yaml:"));
  EXPECT_EQ(ErrorOf("a: !!python/object x").where, "f.yaml:1:4");
  EXPECT_THAT(ErrorOf("[1, 2]: 3").what, HasSubstr("a key must be a name"));
}

TEST(YamlReader, AByteOrderMarkAndWindowsLineEndsAreFine) {
  EXPECT_EQ(Read("\xEF\xBB\xBF"
                 "a: 1\r\nb: x\r\n"),
            json({{"a", 1}, {"b", "x"}}));
}

}  // namespace
}  // namespace dfsweep::sweeps
