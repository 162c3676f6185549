// version, and the commands that a later version will have.
#include <fmt/format.h>

#include "base/build_id.h"
#include "base/display_text.h"
#include "base/version.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/json.h"
#include "cli/output.h"

namespace dfsweep::cli {
namespace {

absl::StatusOr<int> Version(const Context& context, const NoOptions&) {
  Json json = {
      {"version", kVersion},
      {"build", BuildId()},
      {"protocol", fmt::format("{}.{}", kProtocolMajor, kProtocolMinor)}};
  std::string text = fmt::format("dfsweep {} ({}), protocol {}.{}\n", kVersion,
                                 BuildId(), kProtocolMajor, kProtocolMinor);
  if (!context.global.coordinator.empty()) {
    DFSWEEP_ASSIGN_OR_RETURN(
        auto connection, Connection::Open(context.global, NoStore::kIsAnError));
    const v1::GetServerInfoResponse& server = connection->server_info();
    json["coordinator"] = ToJson(server);
    text += fmt::format("coordinator {} ({}), protocol {}.{}, at {}\n",
                        Printable(server.version()), Printable(server.build()),
                        server.protocol_major(), server.protocol_minor(),
                        connection->client().address());
  }
  if (context.global.json) {
    PrintJson(json);
  } else {
    Print(text);
  }
  return kExitDone;
}

// ---- Later ------------------------------------------------------------------

struct LaterOptions {
  std::vector<std::string> ignored;
};

absl::StatusOr<int> Later(const std::string& name, const std::string& remedy) {
  return MakeError(absl::StatusCode::kUnimplemented,
                   fmt::format("`{}` comes in a later version", name),
                   fmt::format("dfsweep {}", kVersion), remedy);
}

absl::StatusOr<int> Report(const Context&, const LaterOptions&) {
  return Later("report", "until then: dfsweep results SWEEP --format markdown");
}

void DeclareAnything(CLI::App& command, LaterOptions& options) {
  command.add_option("ARGUMENTS", options.ignored, "Not used yet")
      ->type_name("");
}

}  // namespace

void AddVersionCommand(Program& program) {
  AddCommand<NoOptions>(program, program.app, "version",
                        "Print versions: this program's, the coordinator's",
                        DeclareNothing, Version);
}

void AddLaterCommands(Program& program) {
  AddCommand<LaterOptions>(program, program.app, "report",
                           "(later) One HTML file with everything",
                           DeclareAnything, Report);
}

}  // namespace dfsweep::cli
