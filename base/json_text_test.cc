#include "base/json_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

namespace dfsweep {
namespace {

using nlohmann::json;

std::string TextOf(auto value) {
  std::string text = "x";
  AppendJson(value, text);
  return text.substr(1);
}

TEST(AppendJson, ANumberIsWrittenAsTheLibraryWritesIt) {
  for (double value : {0.0, -0.0, 1.0, -2.5, 0.1, 1e-4, 1e-5, 1.25e-7, 123456.0,
                       1e14, 1e20, 5e-324, 1.7976931348623157e308}) {
    EXPECT_EQ(TextOf(value), json(value).dump());
  }
}

TEST(AppendJson, WhatJsonCannotHoldIsNull) {
  EXPECT_EQ(TextOf(NAN), "null");
  EXPECT_EQ(TextOf(-std::numeric_limits<double>::infinity()), "null");
}

TEST(AppendJson, AnyNumberIsReadAsTheSame) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const json read = json::parse(TextOf(value));
    ASSERT_TRUE(read.is_number_float()) << TextOf(value);
    EXPECT_EQ(std::bit_cast<uint64_t>(read.get<double>()),
              std::bit_cast<uint64_t>(value));
  }
}

TEST(AppendJson, ATextIsWrittenAsTheLibraryWritesIt) {
  for (std::string value : {"", "plain", "a\"b", "back\\slash", "two\nlines",
                            "\x7f", "Universit\u00e4t"}) {
    EXPECT_EQ(TextOf(std::string_view(value)), json(value).dump());
  }
  EXPECT_EQ(TextOf(std::string_view("bad \xff byte")), "\"bad \uFFFD byte\"");
}

}  // namespace
}  // namespace dfsweep
