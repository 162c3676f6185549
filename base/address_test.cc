#include "base/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dfsweep {
namespace {

using ::testing::HasSubstr;

// What is wrong with it; "" if nothing is.
std::string FaultOf(std::string_view text, Ports ports = Ports::kGiven) {
  absl::StatusOr<Address> address = ParseAddress(text, "--at", ports);
  if (address.ok()) return "";
  EXPECT_TRUE(absl::IsInvalidArgument(address.status()));
  ErrorParts parts = PartsOf(MessageOf(address.status()));
  EXPECT_EQ(parts.where, "--at " + std::string(text));
  EXPECT_THAT(parts.remedy, HasSubstr("HOST:PORT"));
  return parts.what;
}

TEST(ParseAddress, HostAndPortAsTheyAreWritten) {
  for (const char* text :
       {"127.0.0.1:7600", "localhost:1", "lab-3.example.org:65535",
        "my_pc:7600", "[::1]:7600", "[fe80::1%eth0]:7600", "[::]:80"}) {
    absl::StatusOr<Address> address = ParseAddress(text);
    ASSERT_TRUE(address.ok()) << text << ": " << address.status();
    EXPECT_EQ(AddressText(*address), text);
  }
  EXPECT_EQ(ParseAddress("[::1]:7600")->host, "::1");
  EXPECT_EQ(ParseAddress("[::1]:7600")->port, 7600);
}

TEST(ParseAddress, BadPortsAreRefused) {
  EXPECT_EQ(FaultOf("127.0.0.1:7999x"),
            "the port '7999x' is not a number from 1 to 65535");
  for (const char* text : {"h:99999", "h:65536", "h:-1", "h:+1", "h: 1", "h:1 ",
                           "h:0x50", "h:99999999999999999999", "h:http"}) {
    EXPECT_THAT(FaultOf(text), HasSubstr("is not a number from 1")) << text;
  }
  for (const char* text : {"h:", "h", "127.0.0.1", "[::1]", "[::1]:"}) {
    EXPECT_EQ(FaultOf(text), "the port is missing") << text;
  }
}

TEST(ParseAddress, PortZeroOnlyWhereAFreeOneIsTaken) {
  EXPECT_THAT(FaultOf("127.0.0.1:0"), HasSubstr("from 1 to"));
  EXPECT_EQ(FaultOf("127.0.0.1:0", Ports::kOrFree), "");
  EXPECT_THAT(FaultOf("127.0.0.1:x", Ports::kOrFree), HasSubstr("from 0 to"));
}

TEST(ParseAddress, BadHostsAreRefused) {
  for (const char* text : {"", ":7600", "[]:7600"}) {
    EXPECT_EQ(FaultOf(text), "the host is missing") << text;
  }
  for (const char* text : {"[::1", "[::1:7600", "[::1]7600", "[::1]]:1"}) {
    EXPECT_THAT(FaultOf(text), HasSubstr("bracket")) << text;
  }
  for (const char* text : {"::1", "::1:7600", "fe80::1:7600"}) {
    EXPECT_EQ(FaultOf(text), "an IPv6 address needs brackets") << text;
  }
  EXPECT_EQ(FaultOf("[lab]:7600"), "'lab' is not an IPv6 address");
  for (const char* text : {"http://lab:7600", "256.0.0.1:7600", "10.0.1:7600",
                           "a b:7600", "me@lab:7600", "7600:7600", "]:7600"}) {
    EXPECT_THAT(FaultOf(text), HasSubstr("neither a host's name")) << text;
  }
}

TEST(ParseAddressOrHost, ThePortMayBeLeftOut) {
  EXPECT_EQ(AddressText(*ParseAddressOrHost("lab", 7600)), "lab:7600");
  EXPECT_EQ(AddressText(*ParseAddressOrHost("lab:1", 7600)), "lab:1");
  EXPECT_EQ(AddressText(*ParseAddressOrHost("[fe80::1]", 7600)),
            "[fe80::1]:7600");
  EXPECT_FALSE(ParseAddressOrHost("lab:", 7600).ok());
  EXPECT_FALSE(ParseAddressOrHost("fe80::1", 7600).ok());
}

TEST(IsLoopback, KnowsThisMachinesOwnAddresses) {
  for (const char* text :
       {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(IsLoopback(*ParseAddress(text))) << text;
  }
  for (const char* text : {"128.0.0.1:1", "0.0.0.0:1", "[::]:1", "*:1",
                           "127.0.0.1.example.org:1"}) {
    EXPECT_FALSE(IsLoopback(*ParseAddress(text))) << text;
  }
}

TEST(IsWildcard, IsEveryAddressOfThisMachine) {
  for (const char* text : {"0.0.0.0:1", "[::]:1", "*:1"}) {
    EXPECT_TRUE(IsWildcard(*ParseAddress(text))) << text;
  }
  EXPECT_FALSE(IsWildcard(*ParseAddress("127.0.0.1:1")));
}

}  // namespace
}  // namespace dfsweep
