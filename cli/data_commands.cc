// data import, ls, show: what there is to train on.
#include <fmt/format.h>

#include "absl/time/clock.h"
#include "base/display_text.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/dataset_reference.h"
#include "cli/dataset_upload.h"
#include "cli/exit_status.h"
#include "cli/facts.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "model/config/error.h"
#include "model/data/limits.h"

namespace dfsweep::cli {
namespace {

// ---- import -----------------------------------------------------------------

struct ImportCommandOptions {
  std::string path;
  std::string name;
  std::string format = "auto";
  data::ImportOptions import;
  std::string unmonitored_from;
  std::string licence;
  bool dry_run = false;
};

void DeclareImport(CLI::App& command, ImportCommandOptions& options) {
  command
      .add_option("PATH", options.path,
                  "An .npz file, or a folder of text traces")
      ->required()
      ->type_name("");
  command
      .add_option("--name", options.name,
                  "What sweep files call it (default: the file's name)")
      ->type_name("NAME");
  command
      .add_option("--format", options.format,
                  "auto, directions, lengths, wflib, text or images")
      ->type_name("FORMAT")
      ->capture_default_str();
  CLI::Option* repair =
      command.add_flag("--repair-padding", options.import.repair_padding,
                       "Replace padding of -1 by 0");
  command
      .add_flag("--keep-padding", options.import.keep_padding,
                "Traces really end in a run of -1")
      ->excludes(repair);
  command
      .add_option("--max-length", options.import.max_length,
                  "Cells to keep of a text trace")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  command.add_flag_callback(
      "--no-times", [&options] { options.import.keep_times = false; },
      "Leave out the times, which take four bytes a cell");
  command
      .add_option("--unmonitored", options.import.unmonitored,
                  "The label that means none of the known pages")
      ->check(CLI::Range(int64_t{0}, data::kMaxLabel))
      ->type_name("LABEL");
  command
      .add_option("--unmonitored-from", options.unmonitored_from,
                  "A second source, all of whose traces are unmonitored; it "
                  "needs no labels")
      ->type_name("PATH");
  command
      .add_option("--licence", options.licence,
                  "Under which terms the data may be used")
      ->type_name("TEXT");
  command.add_flag("--dry-run", options.dry_run,
                   "Say what is found, and register nothing");
}

absl::StatusOr<data::Format> FormatOf(const std::string& name) {
  try {
    return data::ParseFormat(name);
  } catch (const config::Error& error) {
    return MakeError(absl::StatusCode::kInvalidArgument, error.what_happened(),
                     "--format", error.remedy());
  }
}

// The importer's report, its lines broken at the terminal's width.
void PrintReport(const data::Report& report) {
  Facts facts;
  std::istringstream lines(data::FormatReport(report));
  for (std::string line; std::getline(lines, line);) {
    size_t end = line.find("  ");
    size_t text = line.find_first_not_of(' ', end);
    facts.emplace_back(line.substr(0, end),
                       text == std::string::npos ? "" : line.substr(text));
  }
  PrintFacts(facts);
}

absl::StatusOr<int> Import(const Context& context,
                           const ImportCommandOptions& options) {
  data::ImportOptions import = options.import;
  import.unmonitored_from = options.unmonitored_from;
  DFSWEEP_ASSIGN_OR_RETURN(import.format, FormatOf(options.format));
  if (!options.name.empty()) {
    DFSWEEP_RETURN_IF_ERROR(CheckDatasetName(options.name));
  }
  DFSWEEP_ASSIGN_OR_RETURN(NativeDataset dataset,
                           ReadDataset(options.path, import));
  std::string name = options.name.empty()
                         ? NameForFile(options.path, dataset.digest, {})
                         : options.name;
  Json json = {{"report", data::ToJson(dataset.report)},
               {"name", name},
               {"digest", dataset.digest},
               {"dry_run", options.dry_run}};
  if (!context.global.json) PrintReport(dataset.report);
  if (!options.dry_run) {
    DFSWEEP_ASSIGN_OR_RETURN(
        auto connection, Connection::Open(context.global, NoStore::kCreate));
    DFSWEEP_ASSIGN_OR_RETURN(
        v1::UploadDatasetResponse response,
        UploadDataset(connection->client(), dataset, name, options.licence));
    json["existed"] = response.existed();
    Say(fmt::format(
        "registered as {} ({}{})", name, ShortId(dataset.digest),
        response.existed() ? ", the same data was there already" : ""));
  }
  if (context.global.json) PrintJson(json);
  return kExitDone;
}

// ---- ls, show ---------------------------------------------------------------

std::string NumberOf(const Json& manifest, const char* key) {
  auto found = manifest.find(key);
  return found == manifest.end() ? "" : ValueText(*found);
}

TextTable DatasetTable(const std::vector<v1::Dataset>& datasets) {
  TextTable table;
  table.columns = {{.header = "dataset"},
                   {.header = "digest", .priority = 6},
                   {.header = "traces", .align_right = true, .priority = 8},
                   {.header = "classes", .align_right = true, .priority = 9},
                   {.header = "length", .align_right = true, .priority = 7},
                   {.header = "size", .align_right = true, .priority = 4},
                   {.header = "imported", .priority = 3}};
  absl::Time now = absl::Now();
  for (const v1::Dataset& dataset : datasets) {
    Json manifest = ParseObject(dataset.manifest_json());
    table.rows.push_back({{Printable(dataset.name())},
                          {ShortId(dataset.digest())},
                          {NumberOf(manifest, "traces")},
                          {NumberOf(manifest, "classes")},
                          {NumberOf(manifest, "length")},
                          {BytesText(dataset.size_bytes())},
                          {AgeText(dataset.create_time(), now)}});
  }
  return table;
}

absl::StatusOr<int> List(const Context& context, const NoOptions&) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<v1::Dataset> datasets,
                           ListDatasets(connection->client()));
  if (context.global.json) {
    PrintJson({{"datasets", ToJsonList(datasets)}});
  } else if (datasets.empty()) {
    Say("no dataset is registered; `dfsweep data import PATH --name NAME` "
        "registers one");
  } else {
    PrintTable(DatasetTable(datasets), UsesColor(context.global.color, stdout));
  }
  return kExitDone;
}

struct ShowOptions {
  std::string name;
};

void DeclareShow(CLI::App& command, ShowOptions& options) {
  command.add_option("NAME", options.name, "As registered")
      ->required()
      ->type_name("");
}

// "min 48, median 50" of an object, else the value.
std::string ManifestText(const Json& value) {
  if (!value.is_object()) return ValueText(value);
  std::string text;
  for (const auto& [key, item] : value.items()) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", Printable(key),
                        ValueText(item));
  }
  return text;
}

void PrintDataset(const v1::Dataset& dataset) {
  Facts facts = {{"name", Printable(dataset.name())},
                 // A word that is too long for the line would be cut anyway;
                 // `name@digits` takes the first ones, --json has all.
                 {"digest", Printable(dataset.digest().substr(0, 16)) + "…"},
                 {"size", BytesText(dataset.size_bytes())},
                 {"imported", AgeText(dataset.create_time(), absl::Now())}};
  Json manifest = ParseObject(dataset.manifest_json());
  for (const auto& [key, value] : manifest.items()) {
    if (key == "name" || key == "digest" || key == "warnings") continue;
    std::string label = Printable(key);
    for (char& c : label) c = c == '_' ? ' ' : c;
    facts.emplace_back(label, ManifestText(value));
  }
  Json warnings = manifest.value("warnings", Json::array());
  for (const Json& warning : warnings) {
    facts.emplace_back("warning", ValueText(warning));
  }
  PrintFacts(facts);
}

absl::StatusOr<int> Show(const Context& context, const ShowOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<v1::Dataset> datasets,
                           ListDatasets(connection->client()));
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::Dataset dataset,
      FindDataset(options.name, datasets, connection->client().address()));
  if (context.global.json) {
    PrintJson({{"dataset", ToJson(dataset)}});
  } else {
    PrintDataset(dataset);
  }
  return kExitDone;
}

}  // namespace

void AddDataCommands(Program& program) {
  CLI::App* data =
      program.app.add_subcommand("data", "Import, list and describe datasets");
  data->require_subcommand(1);
  AddCommand<ImportCommandOptions>(program, *data, "import",
                                   "Read traces, say what they are, and "
                                   "register them",
                                   DeclareImport, Import);
  AddCommand<NoOptions>(program, *data, "ls", "List the registered datasets",
                        DeclareNothing, List);
  AddCommand<ShowOptions>(program, *data, "show",
                          "Print what is known about a dataset", DeclareShow,
                          Show);
}

}  // namespace dfsweep::cli
