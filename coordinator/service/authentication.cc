#include "coordinator/service/authentication.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "proto/channel.h"

namespace dfsweep::coordinator {
namespace {

// Property of a call's context: whose credential it carries.
constexpr char kWorkerProperty[] = "dfsweep-worker";

// Says whether the coordinator serves, and nothing else: what watches machines
// has no token.
constexpr std::string_view kHealthService = "/grpc.health.v1.Health/";

std::string_view ValueOf(
    const grpc::AuthMetadataProcessor::InputMetadata& metadata,
    const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return {};
  return {found->second.data(), found->second.size()};
}

absl::Status NoToken() {
  return MakeError(absl::StatusCode::kUnauthenticated,
                   "the call carries no token", "",
                   "ask the coordinator's owner for one: dfsweep token create");
}

absl::StatusOr<TokenRow> FindToken(const TokenTable& tokens,
                                   std::string_view authorization) {
  constexpr std::string_view kBearer = "Bearer ";
  if (!authorization.starts_with(kBearer)) return NoToken();
  return tokens.Find(authorization.substr(kBearer.size()));
}

}  // namespace

bool RefusalLimit::Allows() {
  absl::MutexLock lock(&mutex_);
  const absl::Duration now = clock_.Elapsed();
  left_ =
      std::min(burst_, left_ + per_second_ * absl::ToDoubleSeconds(now - at_));
  at_ = now;
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

grpc::Status Authenticator::Process(const InputMetadata& metadata,
                                    grpc::AuthContext* context,
                                    OutputMetadata* consumed_metadata,
                                    OutputMetadata*) {
  const std::string_view authorization = ValueOf(metadata, "authorization");
  const std::string_view method = ValueOf(metadata, ":path");
  if (method.starts_with(kHealthService)) return grpc::Status::OK;
  absl::StatusOr<TokenRow> token = FindToken(tokens_, authorization);
  if (!token.ok()) {
    if (!refusals_.Allows()) {
      return rpc::ToGrpcStatus(
          MakeError(absl::StatusCode::kResourceExhausted,
                    "too many calls with wrong tokens", "",
                    "wait a minute, and use a token that is good"));
    }
    spdlog::warn("refused a call of {}: {}", method.substr(0, 80),
                 PartsOf(MessageOf(token.status())).what);
    return rpc::ToGrpcStatus(token.status());
  }
  if (absl::Status status = TokenTable::CheckMethod(*token, method);
      !status.ok()) {
    return rpc::ToGrpcStatus(status);
  }
  // A handler must not be able to log it.
  consumed_metadata->insert({"authorization", std::string(authorization)});
  if (!token->worker_id.empty()) {
    context->AddProperty(kWorkerProperty, token->worker_id);
  }
  return grpc::Status::OK;
}

absl::Status CheckIsWorker(const grpc::CallbackServerContext& context,
                           const std::string& worker_id) {
  const std::vector<grpc::string_ref> owners =
      context.auth_context()->FindPropertyValues(kWorkerProperty);
  if (owners.empty() ||
      std::string_view(owners[0].data(), owners[0].size()) == worker_id) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kPermissionDenied,
                   "this credential is another worker's",
                   "worker " + worker_id.substr(0, 80),
                   "join again on this machine: dfsweep-worker join");
}

}  // namespace dfsweep::coordinator
