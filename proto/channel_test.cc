#include "proto/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"

namespace dfsweep::rpc {
namespace {

using ::testing::HasSubstr;

ErrorParts PartsOfCall(const std::string& message) {
  return PartsOf(MessageOf(FromGrpcStatus(
      grpc::Status(grpc::StatusCode::UNAVAILABLE, message), "lab:7600")));
}

TEST(FromGrpcStatus, UnreachableCoordinatorIsNamed) {
  const ErrorParts parts = PartsOfCall("connection refused");
  EXPECT_EQ(parts.what, "the coordinator does not answer (connection refused)");
  EXPECT_EQ(parts.where, "lab:7600");
  EXPECT_THAT(parts.remedy, HasSubstr("dfsweep-coordinator"));
}

TEST(FromGrpcStatus, CertificateThatDoesNotHoldMeansTheClockFirst) {
  const ErrorParts parts = PartsOfCall(
      "failed to connect to all addresses; last error: UNKNOWN: "
      "ipv4:127.0.0.1:7600: Ssl handshake failed: SSL_ERROR_SSL: "
      "error:0A000086:SSL routines::certificate verify failed");
  EXPECT_THAT(parts.what, HasSubstr("certificate"));
  EXPECT_THAT(parts.remedy, HasSubstr("clock"));
}

TEST(FromGrpcStatus, ErrorOfThreePartsStaysAsItIs) {
  EXPECT_EQ(PartsOfCall("a\nb\nc").remedy, "c");
}

}  // namespace
}  // namespace dfsweep::rpc
