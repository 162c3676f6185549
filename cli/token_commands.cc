// token, login: letting machines and people in.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "absl/time/clock.h"
#include "base/display_text.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "proto/endpoint.h"

namespace dfsweep::cli {
namespace {

constexpr absl::Duration kFetchTimeout = absl::Seconds(10);

// ---- token create -----------------------------------------------------------

struct CreateOptions {
  bool worker = false;
  std::string scope;
  std::string lifetime;
  std::string name;
};

void DeclareCreate(CLI::App& command, CreateOptions& options) {
  CLI::Option* worker = command.add_flag("--worker", options.worker,
                                         "For a machine that is to train");
  command
      .add_option("--scope", options.scope,
                  "For a person: read (look), submit (and run sweeps) or admin "
                  "(and workers and tokens)")
      ->check(CLI::IsMember({"read", "submit", "admin"}))
      ->type_name("SCOPE")
      ->excludes(worker);
  command
      .add_option("--lifetime", options.lifetime,
                  "e.g. 30m, 24h (default: 1h for a worker, else 2160h)")
      ->type_name("TIME");
  command.add_option("--name", options.name, "For people, in lists")
      ->type_name("NAME");
}

absl::StatusOr<v1::CreateJoinTokenRequest> RequestOf(
    const CreateOptions& options) {
  if (!options.worker && options.scope.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "nothing says what the token is for",
                     "dfsweep token create",
                     "add --worker, or --scope read, submit or admin");
  }
  v1::CreateJoinTokenRequest request;
  request.set_scope(options.worker ? "worker" : options.scope);
  request.set_name(options.name);
  if (options.lifetime.empty()) return request;
  absl::Duration lifetime;
  if (!absl::ParseDuration(options.lifetime, &lifetime)) {
    return MakeError(absl::StatusCode::kInvalidArgument, "this is not a time",
                     "--lifetime " + options.lifetime,
                     "write it like 30m or 24h");
  }
  request.mutable_lifetime()->set_seconds(absl::ToInt64Seconds(lifetime));
  return request;
}

absl::StatusOr<int> CreateToken(const Context& context,
                                const CreateOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(v1::CreateJoinTokenRequest request,
                           RequestOf(options));
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::CreateJoinTokenResponse made,
      connection->client().Mutate(&Client::Stub::CreateJoinToken, request));
  if (context.global.json) {
    PrintJson({{"token_id", made.token_id()},
               {"token", made.token()},
               {"command", made.join_command()}});
    return kExitDone;
  }
  Say(options.worker ? "Paste this on the machine that is to train:"
                     : "Give this to the person, to be pasted once:");
  Print(Printable(made.join_command()) + "\n");
  Say("It is shown only now. To take it back: dfsweep token revoke " +
      Printable(made.token_id()));
  return kExitDone;
}

// ---- token ls, token revoke -------------------------------------------------

std::string EndText(const v1::Token& token, absl::Time now) {
  if (token.revoked()) return "revoked";
  if (!token.has_expire_time()) return "never";
  const absl::Duration left =
      absl::FromUnixSeconds(token.expire_time().seconds()) - now;
  return left > absl::ZeroDuration() ? "in " + DurationText(left) : "expired";
}

TextTable TokenTable(const v1::ListTokensResponse& response) {
  TextTable table;
  table.columns = {{.header = "token"},
                   {.header = "scope"},
                   {.header = "name", .priority = 3},
                   {.header = "worker", .priority = 1},
                   {.header = "created", .priority = 2},
                   {.header = "ends"}};
  const absl::Time now = absl::Now();
  for (const v1::Token& token : response.tokens()) {
    table.rows.push_back({{Printable(token.token_id())},
                          {Printable(token.scope())},
                          {Printable(token.name())},
                          {ShortId(token.worker_id())},
                          {AgeText(token.create_time(), now)},
                          {EndText(token, now)}});
  }
  return table;
}

absl::StatusOr<int> ListTokens(const Context& context, const NoOptions&) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(v1::ListTokensResponse response,
                           connection->client().Call(&Client::Stub::ListTokens,
                                                     v1::ListTokensRequest()));
  if (context.global.json) {
    PrintJson({{"tokens", ToJsonList(response.tokens())}});
  } else {
    PrintTable(TokenTable(response), UsesColor(context.global.color, stdout));
  }
  return kExitDone;
}

struct RevokeOptions {
  std::string token_id;
};

void DeclareRevoke(CLI::App& command, RevokeOptions& options) {
  command.add_option("TOKEN", options.token_id, "As in dfsweep token ls")
      ->required()
      ->type_name("");
}

absl::StatusOr<int> Revoke(const Context& context,
                           const RevokeOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  v1::RevokeTokenRequest request;
  request.set_token_id(options.token_id);
  DFSWEEP_RETURN_IF_ERROR(connection->client()
                              .Mutate(&Client::Stub::RevokeToken, request)
                              .status());
  if (context.global.json) {
    PrintJson({{"revoked", options.token_id}});
  } else {
    Print(fmt::format("token {} is revoked\n", options.token_id));
  }
  return kExitDone;
}

// ---- login ------------------------------------------------------------------

struct LoginOptions {
  std::string address;
  std::string token;
  std::string fingerprint;
};

void DeclareLogin(CLI::App& command, LoginOptions& options) {
  command.add_option("ADDRESS", options.address, "HOST:PORT")
      ->required()
      ->type_name("");
  command.add_option("--token", options.token, "From `dfsweep token create`")
      ->required()
      ->type_name("TOKEN");
  command
      .add_option("--ca-fingerprint", options.fingerprint,
                  "Of the coordinator's certificate authority")
      ->required()
      ->type_name("sha256:HEX");
}

absl::StatusOr<int> Login(const Context& context, const LoginOptions& options) {
  rpc::Endpoint endpoint{.address = options.address, .token = options.token};
  DFSWEEP_ASSIGN_OR_RETURN(
      endpoint.authority_pem,
      rpc::FetchAuthority(options.address, options.fingerprint, kFetchTimeout));
  DFSWEEP_RETURN_IF_ERROR(Client(endpoint).Greet().status());
  DFSWEEP_RETURN_IF_ERROR(rpc::WriteEndpoint(LoginFile(), endpoint));
  if (context.global.json) {
    PrintJson(
        {{"coordinator", options.address}, {"file", LoginFile().string()}});
  } else {
    Print(
        fmt::format("dfsweep talks to {} from now on; remove {} to end that\n",
                    options.address, LoginFile().string()));
  }
  return kExitDone;
}

}  // namespace

void AddTokenCommands(Program& program) {
  CLI::App* token = program.app.add_subcommand(
      "token", "Let machines and people in, and keep them out again");
  token->require_subcommand(1);
  AddCommand<CreateOptions>(program, *token, "create",
                            "Make one, and print the command to paste",
                            DeclareCreate, CreateToken);
  AddCommand<NoOptions>(program, *token, "ls", "List them, without secrets",
                        DeclareNothing, ListTokens);
  AddCommand<RevokeOptions>(program, *token, "revoke",
                            "From now on it is good for nothing", DeclareRevoke,
                            Revoke);
  AddCommand<LoginOptions>(program, program.app, "login",
                           "Talk to a team's coordinator from now on",
                           DeclareLogin, Login);
}

}  // namespace dfsweep::cli
