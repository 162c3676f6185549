#include "coordinator/service/token_calls.h"

#include <fmt/format.h>

#include "coordinator/service/check_request.h"
#include "coordinator/service/convert.h"

namespace dfsweep::coordinator {
namespace {

constexpr absl::Duration kLeastLife = absl::Minutes(1);
constexpr absl::Duration kMostLife = absl::Hours(24 * 366);
constexpr absl::Duration kJoinLife = absl::Hours(1);
constexpr absl::Duration kPersonsLife = absl::Hours(24 * 90);

absl::Status NoneNeeded() {
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "this coordinator serves its own machine only, where "
                   "nothing needs a token",
                   "",
                   "start it for others: dfsweep-coordinator --listen "
                   "0.0.0.0:7600");
}

absl::StatusOr<absl::Duration> LifetimeOf(
    const v1::CreateJoinTokenRequest& request) {
  if (!request.has_lifetime()) {
    return request.scope() == scope::kWorker ? kJoinLife : kPersonsLife;
  }
  const absl::Duration lifetime = DurationOf(request.lifetime());
  if (lifetime >= kLeastLife && lifetime <= kMostLife) return lifetime;
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "the token's lifetime is out of bounds",
                   absl::FormatDuration(lifetime),
                   "choose between a minute and a year");
}

absl::Status CheckScope(const std::string& name) {
  for (const char* known :
       {scope::kRead, scope::kSubmit, scope::kAdmin, scope::kWorker}) {
    if (name == known) return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, "there is no such scope",
                   name.substr(0, 80), "use read, submit, admin or worker");
}

std::string CommandFor(const Access& access, const NewToken& token) {
  return fmt::format("{} {} --token {} --ca-fingerprint {}",
                     token.row.scope == scope::kWorker ? "dfsweep-worker join"
                                                       : "dfsweep login",
                     access.address, token.text, access.fingerprint);
}

// Nobody gets in by what is not stored.
void Keep(Turn& turn, Access& access, const TokenRow& row) {
  turn.store().PutToken(row);
  turn.AfterCommit([&access, row](const absl::Status& committed) {
    if (committed.ok()) access.tokens.Put(row);
  });
}

bool Revoke(Turn& turn, Access& access, const std::string& token_id) {
  if (!turn.store().RevokeToken(token_id)) return false;
  turn.AfterCommit([&access, token_id](const absl::Status& committed) {
    if (!committed.ok()) return;
    access.tokens.Put({.token_id = token_id, .revoked = true});
  });
  turn.store().AddEvent("token_revoked",
                        fmt::format("token {} is revoked", token_id),
                        turn.wall_time());
  return true;
}

}  // namespace

absl::Status CreateToken(Turn& turn, Access* access,
                         const v1::CreateJoinTokenRequest& request,
                         v1::CreateJoinTokenResponse* response) {
  if (access == nullptr) return NoneNeeded();
  DFSWEEP_RETURN_IF_ERROR(CheckScope(request.scope()));
  if (!request.name().empty()) {
    DFSWEEP_RETURN_IF_ERROR(CheckName("name", request.name()));
  }
  DFSWEEP_ASSIGN_OR_RETURN(absl::Duration lifetime, LifetimeOf(request));
  const NewToken token = MakeToken(request.scope(), request.name(), "",
                                   turn.wall_time(), lifetime);
  Keep(turn, *access, token.row);
  turn.store().AddEvent(
      "token_created",
      fmt::format("token {} of scope {}", token.row.token_id, token.row.scope),
      turn.wall_time());
  response->set_token(token.text);
  response->set_token_id(token.row.token_id);
  response->set_join_command(CommandFor(*access, token));
  return absl::OkStatus();
}

absl::Status RevokeToken(Turn& turn, Access* access,
                         const v1::RevokeTokenRequest& request) {
  if (access == nullptr) return NoneNeeded();
  DFSWEEP_RETURN_IF_ERROR(CheckToken("token id", request.token_id()));
  if (Revoke(turn, *access, request.token_id())) return absl::OkStatus();
  return MakeError(absl::StatusCode::kNotFound, "there is no such token",
                   "token " + request.token_id(),
                   "list them: dfsweep token ls");
}

absl::Status ListTokens(Turn& turn, v1::ListTokensResponse* response) {
  for (const TokenRow& row : turn.store().ListTokens()) {
    v1::Token& token = *response->add_tokens();
    token.set_token_id(row.token_id);
    token.set_name(row.name);
    token.set_scope(row.scope);
    token.set_worker_id(row.worker_id);
    SetTime(row.create_time, token.mutable_create_time());
    if (row.expire_time) SetTime(*row.expire_time, token.mutable_expire_time());
    token.set_revoked(row.revoked);
  }
  return absl::OkStatus();
}

absl::Status JoinWorker(Turn& turn, Access* access,
                        const v1::JoinRequest& request,
                        v1::JoinResponse* response) {
  if (access == nullptr) return NoneNeeded();
  DFSWEEP_RETURN_IF_ERROR(CheckToken("worker id", request.worker_id()));
  DFSWEEP_RETURN_IF_ERROR(CheckName("name", request.name()));
  for (const std::string& id : access->tokens.OfWorker(request.worker_id())) {
    Revoke(turn, *access, id);
  }
  const NewToken token =
      MakeToken(scope::kJoined, request.name(), request.worker_id(),
                turn.wall_time(), std::nullopt);
  Keep(turn, *access, token.row);
  turn.store().AddEvent(
      "worker_joined",
      fmt::format("worker {} ({}) has token {}", request.name(),
                  request.worker_id(), token.row.token_id),
      turn.wall_time());
  response->set_token(token.text);
  return absl::OkStatus();
}

}  // namespace dfsweep::coordinator
