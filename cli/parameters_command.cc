// parameters: the table of model/config; needs no coordinator.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/facts.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "model/config/parameters.h"
#include "sweeps/errors.h"
#include "sweeps/reference.h"

namespace dfsweep::cli {
namespace {

struct ParametersOptions {
  std::string name;
  bool markdown = false;
};

void DeclareParameters(CLI::App& command, ParametersOptions& options) {
  command
      .add_option("NAME", options.name,
                  "A parameter, or the first part of some (default: all)")
      ->type_name("");
  command.add_flag("--markdown", options.markdown,
                   "The whole reference page, docs/parameters.md");
}

std::string DefaultText(const config::Parameter& parameter) {
  return parameter.default_value.is_null() ? "(must be given)"
                                           : ValueText(parameter.default_value);
}

Json OptionalJson(const std::optional<double>& value) {
  return value.has_value() ? Json(*value) : Json();
}

Json ParameterJson(const config::Parameter& parameter) {
  Json when = Json::array();
  for (const config::Condition& condition : parameter.when) {
    when.push_back(
        {{"parameter", condition.parameter}, {"values", condition.values}});
  }
  return {{"name", parameter.name},
          {"type", std::string(config::TypeName(parameter.type))},
          {"default", parameter.default_value},
          {"minimum", OptionalJson(parameter.minimum)},
          {"maximum", OptionalJson(parameter.maximum)},
          {"minimum_exclusive", parameter.minimum_exclusive},
          {"maximum_exclusive", parameter.maximum_exclusive},
          {"choices", parameter.choices},
          {"unit", parameter.unit},
          {"when", when},
          {"meaning", parameter.meaning}};
}

// The one of that name, or the group ("ewc" for ewc.*).
absl::StatusOr<std::vector<config::Parameter>> Select(const std::string& name) {
  std::vector<config::Parameter> selected;
  for (const config::Parameter& parameter : config::Parameters()) {
    if (name.empty() || parameter.name == name ||
        parameter.name.starts_with(name + ".")) {
      selected.push_back(parameter);
    }
  }
  if (!selected.empty()) return selected;
  return sweeps::UnknownName("parameter", name, "the command line",
                             sweeps::ParameterNames());
}

void PrintOne(const config::Parameter& parameter) {
  PrintFacts({{"name", parameter.name},
              {"type", std::string(config::TypeName(parameter.type))},
              {"range", config::RangeText(parameter)},
              {"default", DefaultText(parameter)},
              {"unit", parameter.unit},
              {"applies if", config::ConditionText(parameter)},
              {"meaning", parameter.meaning}});
}

TextTable ParameterTable(const std::vector<config::Parameter>& parameters) {
  TextTable table;
  constexpr int kLeastMeaning = 30;
  table.columns = {{.header = "parameter"},
                   {.header = "default", .priority = 3},
                   {.header = "range", .priority = 1},
                   {.header = "meaning", .priority = 2}};
  for (const config::Parameter& parameter : parameters) {
    table.rows.push_back({{parameter.name},
                          {DefaultText(parameter)},
                          {config::RangeText(parameter)},
                          {parameter.meaning}});
  }
  FitColumn(table, table.columns.size() - 1, WidthOf(stdout), kLeastMeaning);
  return table;
}

absl::StatusOr<int> ShowParameters(const Context& context,
                                   const ParametersOptions& options) {
  if (options.markdown) {
    Print(sweeps::ParameterReferenceMarkdown());
    return kExitDone;
  }
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<config::Parameter> selected,
                           Select(options.name));
  if (context.global.json) {
    Json array = Json::array();
    for (const config::Parameter& parameter : selected) {
      array.push_back(ParameterJson(parameter));
    }
    PrintJson({{"parameters", array}});
  } else if (selected.size() == 1) {
    PrintOne(selected[0]);
  } else {
    PrintTable(ParameterTable(selected),
               UsesColor(context.global.color, stdout));
  }
  return kExitDone;
}

}  // namespace

void AddParametersCommand(Program& program) {
  AddCommand<ParametersOptions>(program, program.app, "parameters",
                                "Explain what can be set under `parameters:`",
                                DeclareParameters, ShowParameters);
}

}  // namespace dfsweep::cli
