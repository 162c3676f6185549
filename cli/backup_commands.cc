// backup, restore: a copy of the store that outlives its disk.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <system_error>

#include "base/digest.h"
#include "base/display_text.h"
#include "base/files.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kDatabase[] = "dfsweep.db";
constexpr char kLockFile[] = "coordinator.lock";  // makes a folder a store

struct BackupOptions {
  std::string folder;
};

// ---- backup -----------------------------------------------------------------

void DeclareBackup(CLI::App& command, BackupOptions& options) {
  command
      .add_option("FOLDER", options.folder,
                  "A new one, on the coordinator's machine")
      ->required()
      ->type_name("");
}

absl::StatusOr<int> Backup(const Context& context,
                           const BackupOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  v1::BackupStoreRequest request;
  request.set_folder(connection->is_local()
                         ? fs::absolute(options.folder).lexically_normal()
                         : fs::path(options.folder));
  request.set_request_id(Client::NewRequestId());
  // Not repeated: a second one would find the folder of the first.
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::BackupStoreResponse made,
      connection->client().Call(&Client::Stub::BackupStore, request,
                                rpc::kTransferTimeout));
  if (context.global.json) {
    PrintJson({{"folder", request.folder()},
               {"size_bytes", made.size_bytes()},
               {"datasets", made.datasets()}});
  } else {
    Print(fmt::format("{} and {} in {}\n", BytesText(made.size_bytes()),
                      CountText(made.datasets(), "dataset"),
                      Printable(request.folder())));
    Say("It holds keys and tokens: keep it to yourself. To use it: dfsweep "
        "restore FOLDER --store DIR");
  }
  return kExitDone;
}

// ---- restore ----------------------------------------------------------------

void DeclareRestore(CLI::App& command, BackupOptions& options) {
  command.add_option("FOLDER", options.folder, "That `dfsweep backup` made")
      ->required()
      ->type_name("");
}

absl::Status CheckDatasets(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    DFSWEEP_ASSIGN_OR_RETURN(std::string digest, Sha256OfFile(entry.path()));
    if (digest == entry.path().stem()) continue;
    return MakeError(absl::StatusCode::kDataLoss,
                     "a dataset of the backup is damaged",
                     entry.path().string(),
                     "take another backup, or import that dataset again: "
                     "remove the file first");
  }
  return absl::OkStatus();
}

absl::Status CheckPlaces(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from / kDatabase, error)) {
    return MakeError(absl::StatusCode::kNotFound, "this is not a backup",
                     from.string(), "name the folder that dfsweep backup made");
  }
  if (fs::exists(to, error) && !fs::is_empty(to, error)) {
    return MakeError(absl::StatusCode::kAlreadyExists,
                     "there is something where the store is to be restored",
                     to.string(),
                     "name a new folder with --store: nothing is replaced");
  }
  return CheckDatasets(from / "datasets");
}

absl::Status CopyStore(const fs::path& from, const fs::path& to) {
  const fs::path partial = to.string() + ".partial";
  std::error_code error;
  fs::remove_all(partial, error);
  fs::create_directories(partial.parent_path(), error);
  fs::copy(from, partial, fs::copy_options::recursive, error);
  if (!error) fs::remove(to, error);  // an empty folder, at most
  if (!error) fs::rename(partial, to, error);
  if (!error) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "the store can't be written: " + error.message(),
                   to.string(), "check the permissions and the free space");
}

GlobalOptions OptionsFor(const GlobalOptions& global, const fs::path& store) {
  GlobalOptions options = global;
  options.store = store.string();
  return options;
}

// Opens the store, which checks every page of it.
absl::StatusOr<int> CountSweeps(const GlobalOptions& global,
                                const fs::path& store) {
  DFSWEEP_RETURN_IF_ERROR(WriteFileDurably(store / kLockFile, ""));
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection,
      Connection::Open(OptionsFor(global, store), NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(v1::ListSweepsResponse sweeps,
                           connection->client().Call(&Client::Stub::ListSweeps,
                                                     v1::ListSweepsRequest()));
  return sweeps.sweeps_size();
}

absl::StatusOr<int> Restore(const Context& context,
                            const BackupOptions& options) {
  const fs::path to = fs::absolute(context.global.store).lexically_normal();
  if (!context.global.coordinator.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "a store is restored on its own machine",
                     "--coordinator " + context.global.coordinator,
                     "run this there, with --store DIR");
  }
  const fs::path from =
      (fs::absolute(options.folder).lexically_normal() / "").parent_path();
  DFSWEEP_RETURN_IF_ERROR(CheckPlaces(from, to));
  DFSWEEP_RETURN_IF_ERROR(CopyStore(from, to));
  absl::StatusOr<int> sweeps = CountSweeps(context.global, to);
  if (!sweeps.ok()) {
    std::error_code ignored;
    fs::remove_all(to, ignored);
    return sweeps.status();
  }
  if (context.global.json) {
    PrintJson({{"store", to.string()}, {"newest_sweeps", *sweeps}});
  } else {
    Print(fmt::format("{} is whole and restored; look: {} ls\n",
                      Printable(to.string()),
                      ProgramText(OptionsFor(context.global, to))));
  }
  return kExitDone;
}

}  // namespace

void AddBackupCommands(Program& program) {
  AddCommand<BackupOptions>(program, program.app, "backup",
                            "Copy the store while it is in use", DeclareBackup,
                            Backup);
  AddCommand<BackupOptions>(program, program.app, "restore",
                            "Make a store from a backup, and check it",
                            DeclareRestore, Restore);
}

}  // namespace dfsweep::cli
