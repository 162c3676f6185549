// Who gets in: TLS, tokens and scopes, over real gRPC.
#include <gmock/gmock.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "coordinator/service/authentication.h"
#include "coordinator/service/server.h"
#include "coordinator/service/tls.h"
#include "coordinator/service/tokens.h"
#include "proto/channel.h"
#include "proto/endpoint.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The machine's, which certificates need, and moved on at will.
class MovedClock : public Clock {
 public:
  absl::Duration Elapsed() const override { return moved_.Elapsed(); }
  absl::Time WallTime() const override {
    return Clock::Real().WallTime() + moved_.Elapsed();
  }
  void Advance(absl::Duration duration) { moved_.Advance(duration); }

 private:
  FakeClock moved_;
};

// A coordinator that serves others too.
class AccessTest : public ::testing::Test {
 protected:
  AccessTest() { Start(); }

  void Start() {
    Server::Options options{.listen = "0.0.0.0:0",
                            .advertise = "lab.example",
                            .store = folder_.path()};
    options.engine.on_fatal = [](const absl::Status& status) {
      ADD_FAILURE() << status;
    };
    auto server = Server::Start(options, clock_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  std::string Authority() const {
    return ReadFile(AuthorityFile(folder_.path())).value();
  }
  std::string AdminToken() const {
    std::string text = ReadFile(folder_.path() / Server::kAdminFile).value();
    return text.substr(0, text.find('\n'));
  }
  rpc::Endpoint EndpointWith(const std::string& token) const {
    return {server_->address(), Authority(), token};
  }

  template <typename Service, typename Request, typename Response>
  grpc::Status Call(const rpc::Endpoint& endpoint,
                    grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                          const Request&,
                                                          Response*),
                    const Request& request, Response* response) {
    auto stub = Service::NewStub(rpc::Connect(endpoint));
    grpc::ClientContext context;
    rpc::SetDeadline(context, absl::Seconds(10));
    return (stub.get()->*method)(&context, request, response);
  }

  grpc::Status Look(const rpc::Endpoint& endpoint) {
    v1::GetServerInfoResponse response;
    return Call<v1::SweepService>(endpoint,
                                  &v1::SweepService::Stub::GetServerInfo,
                                  v1::GetServerInfoRequest(), &response);
  }
  grpc::Status Submit(const std::string& token) {
    v1::CreateSweepResponse response;
    return Call<v1::SweepService>(EndpointWith(token),
                                  &v1::SweepService::Stub::CreateSweep,
                                  v1::CreateSweepRequest(), &response);
  }
  v1::CreateJoinTokenResponse Create(const std::string& scope) {
    v1::CreateJoinTokenRequest request;
    request.set_request_id("r");
    request.set_scope(scope);
    v1::CreateJoinTokenResponse response;
    grpc::Status status = Call<v1::SweepService>(
        EndpointWith(AdminToken()), &v1::SweepService::Stub::CreateJoinToken,
        request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  void Revoke(const std::string& token_id) {
    v1::RevokeTokenRequest request;
    request.set_request_id("r");
    request.set_token_id(token_id);
    v1::RevokeTokenResponse response;
    EXPECT_TRUE(Call<v1::SweepService>(EndpointWith(AdminToken()),
                                       &v1::SweepService::Stub::RevokeToken,
                                       request, &response)
                    .ok());
  }
  grpc::Status Join(const std::string& token, const std::string& worker,
                    std::string* credential) {
    v1::JoinRequest request;
    request.set_worker_id(worker);
    request.set_name("laptop");
    v1::JoinResponse response;
    grpc::Status status = Call<v1::WorkerService>(
        EndpointWith(token), &v1::WorkerService::Stub::Join, request,
        &response);
    *credential = response.token();
    return status;
  }
  std::string Joined(const std::string& worker) {
    std::string credential;
    grpc::Status status = Join(Create("worker").token(), worker, &credential);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return credential;
  }
  grpc::Status Register(const std::string& token, const std::string& worker) {
    v1::RegisterRequest request;
    request.set_request_id("r");
    request.set_worker_id(worker);
    request.set_incarnation("i");
    request.set_name("laptop");
    request.set_protocol_major(1);
    request.set_slots(1);
    request.mutable_environment()->set_device("cpu");
    v1::RegisterResponse response;
    return Call<v1::WorkerService>(EndpointWith(token),
                                   &v1::WorkerService::Stub::Register, request,
                                   &response);
  }

  const TemporaryFolder folder_;
  MovedClock clock_;
  std::unique_ptr<Server> server_;
};

TEST_F(AccessTest, AdminOfThisMachineIsLetIn) {
  EXPECT_TRUE(Look(EndpointWith(AdminToken())).ok());
}

TEST_F(AccessTest, SecretsAreForTheirOwnerAlone) {
  for (const char* file :
       {"admin.token", "tls/authority.key", "tls/server.key"}) {
    struct stat info;
    ASSERT_EQ(::stat((folder_.path() / file).c_str(), &info), 0) << file;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << file;
  }
  EXPECT_EQ(Authority().find("PRIVATE"), std::string::npos);
}

TEST_F(AccessTest, NobodyElseIs) {
  std::string wrong = AdminToken();
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  for (const std::string& token :
       {std::string(), wrong, std::string("dfs_"), AdminToken() + "0"}) {
    EXPECT_EQ(Look(EndpointWith(token)).error_code(),
              grpc::StatusCode::UNAUTHENTICATED)
        << token;
  }
}

TEST_F(AccessTest, WatchersNeedNoTokenForTheHealthService) {
  const auto channel = rpc::Connect(EndpointWith(""));
  grpc::ClientContext context;
  rpc::SetDeadline(context, absl::Seconds(10));
  const grpc::Slice empty("");
  grpc::ByteBuffer response;
  const grpc::Status status = grpc::internal::BlockingUnaryCall(
      channel.get(),
      grpc::internal::RpcMethod("/grpc.health.v1.Health/Check",
                                grpc::internal::RpcMethod::NORMAL_RPC),
      &context, grpc::ByteBuffer(&empty, 1), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(response.Dump(&slices).ok());
  ASSERT_EQ(slices.size(), 1u);
  // HealthCheckResponse{status: SERVING}.
  EXPECT_EQ(std::string(slices[0].begin(), slices[0].end()), "\x08\x01");
}

TEST_F(AccessTest, PlainTextAndOtherAuthoritiesFindNoServer) {
  EXPECT_EQ(Look({.address = server_->address()}).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  TemporaryFolder other;
  rpc::Endpoint endpoint = EndpointWith(AdminToken());
  endpoint.authority_pem =
      LoadOrMakeIdentity(other.path(), absl::Now())->authority_pem;
  EXPECT_EQ(Look(endpoint).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(AccessTest, AuthorityIsFetchedByItsFingerprintAlone) {
  const std::string& fingerprint = server_->access()->fingerprint;
  EXPECT_EQ(
      rpc::FetchAuthority(server_->address(), fingerprint, absl::Seconds(10))
          .value(),
      Authority());
  EXPECT_EQ(
      rpc::FetchAuthority(server_->address(), "sha256:" + std::string(64, '0'),
                          absl::Seconds(10))
          .status()
          .code(),
      absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(rpc::FetchAuthority("127.0.0.1:1", fingerprint, absl::Seconds(10))
                .status()
                .code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(AccessTest, ScopesAllowWhatTheySay) {
  const std::string read = Create("read").token();
  EXPECT_TRUE(Look(EndpointWith(read)).ok());
  EXPECT_EQ(Submit(read).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(Submit(read).error_message(), HasSubstr("CreateSweep"));
  const std::string submit = Create("submit").token();
  EXPECT_EQ(Submit(submit).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::ListTokensResponse tokens;
  EXPECT_EQ(Call<v1::SweepService>(EndpointWith(submit),
                                   &v1::SweepService::Stub::ListTokens,
                                   v1::ListTokensRequest(), &tokens)
                .error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Register(submit, "w1").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Register(AdminToken(), "w1").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(AccessTest, JoinCommandHasAllThatALaptopNeeds) {
  const v1::CreateJoinTokenResponse made = Create("worker");
  EXPECT_THAT(made.join_command(),
              StartsWith("dfsweep-worker join lab.example:"));
  EXPECT_THAT(made.join_command(), HasSubstr("--token " + made.token()));
  EXPECT_THAT(made.join_command(),
              HasSubstr("--ca-fingerprint " + server_->access()->fingerprint));
}

TEST_F(AccessTest, JoinTokenIsGoodForJoiningAlone) {
  const std::string token = Create("worker").token();
  EXPECT_EQ(Register(token, "w1").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Look(EndpointWith(token)).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  std::string credential;
  ASSERT_TRUE(Join(token, "w1", &credential).ok());
  EXPECT_TRUE(Register(credential, "w1").ok());
}

TEST_F(AccessTest, CredentialIsOneWorkersAlone) {
  const std::string credential = Joined("w1");
  EXPECT_TRUE(Register(credential, "w1").ok());
  EXPECT_EQ(Register(credential, "w2").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Look(EndpointWith(credential)).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  std::string another;
  EXPECT_EQ(Join(credential, "w2", &another).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(another, "");
}

TEST_F(AccessTest, JoiningAgainReplacesTheCredential) {
  const std::string first = Joined("w1"), second = Joined("w1");
  EXPECT_EQ(Register(first, "w1").error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(Register(second, "w1").ok());
}

TEST_F(AccessTest, RevokedAndExpiredTokensAreRefused) {
  const v1::CreateJoinTokenResponse made = Create("read");
  Revoke(made.token_id());
  EXPECT_EQ(Look(EndpointWith(made.token())).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  const std::string join = Create("worker").token();  // for an hour
  const std::string credential = Joined("w1");        // for ever
  clock_.Advance(absl::Hours(1));
  std::string another;
  EXPECT_THAT(Join(join, "w2", &another).error_message(),
              HasSubstr("has expired"));
  clock_.Advance(absl::Hours(24 * 365));
  EXPECT_TRUE(Register(credential, "w1").ok());
}

TEST_F(AccessTest, RestartKeepsAuthorityTokensAndRevocations) {
  const std::string read = Create("read").token(), credential = Joined("w1");
  const v1::CreateJoinTokenResponse revoked = Create("read");
  Revoke(revoked.token_id());
  const std::string authority = Authority(), admin = AdminToken();
  server_.reset();
  Start();
  EXPECT_EQ(Authority(), authority);
  EXPECT_EQ(AdminToken(), admin);
  EXPECT_TRUE(Look(EndpointWith(read)).ok());
  EXPECT_TRUE(Register(credential, "w1").ok());
  EXPECT_EQ(Look(EndpointWith(revoked.token())).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(AccessTest, StoreHoldsNoSecret) {
  const std::string token = Create("admin").token();
  const std::string secret = token.substr(token.rfind('_') + 1);
  server_.reset();
  const std::string bytes = ReadFile(folder_.path() / "dfsweep.db").value();
  EXPECT_EQ(bytes.find(secret), std::string::npos);
}

TEST_F(AccessTest, WrongTokensAreSlowedDownAndRightOnesAreNot) {
  grpc::StatusCode last = grpc::StatusCode::OK;
  for (int i = 0; i < 101; ++i) {
    last = Look(EndpointWith("dfs_wrong")).error_code();
  }
  EXPECT_EQ(last, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Look(EndpointWith(AdminToken())).ok());
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Look(EndpointWith("dfs_wrong")).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
}

TEST(TokenTest, SecretsDiffer) {
  const NewToken one = MakeToken("read", "", "", absl::Now(), {});
  const NewToken two = MakeToken("read", "", "", absl::Now(), {});
  EXPECT_NE(one.text, two.text);
  EXPECT_EQ(one.text.size(), 4u + 8 + 1 + 64);  // 256 bits
}

TEST(TokenTest, WhoeverSubmitsMayRestAMachineButNotRemoveIt) {
  const TokenRow read{.scope = "read"}, submit{.scope = "submit"};
  for (const char* name : {"PauseWorker", "DrainWorker", "ResumeWorker"}) {
    const std::string method = std::string("/dfsweep.v1.SweepService/") + name;
    EXPECT_TRUE(TokenTable::CheckMethod(submit, method).ok()) << name;
    EXPECT_FALSE(TokenTable::CheckMethod(read, method).ok()) << name;
  }
  EXPECT_FALSE(
      TokenTable::CheckMethod(submit, "/dfsweep.v1.SweepService/RemoveWorker")
          .ok());
}

// Whatever is added to a service needs the highest scope until somebody says
// otherwise.
TEST(TokenTest, UnknownMethodNeedsAdmin) {
  const TokenRow submit{.scope = "submit"}, admin{.scope = "admin"};
  const char* method = "/dfsweep.v1.SweepService/DropEverything";
  EXPECT_FALSE(TokenTable::CheckMethod(submit, method).ok());
  EXPECT_TRUE(TokenTable::CheckMethod(admin, method).ok());
  EXPECT_FALSE(TokenTable::CheckMethod(admin, "/other.Service/GetSweep").ok());
}

}  // namespace
}  // namespace dfsweep::coordinator
