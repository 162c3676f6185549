#include "sweeps/reference.h"

#include <fmt/format.h>

#include "model/config/parameters.h"

namespace dfsweep::sweeps {
namespace {

// A bar would end the table's cell.
std::string Cell(std::string_view text) {
  std::string cell;
  for (char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

std::string DefaultText(const config::Parameter& parameter) {
  const config::Json& value = parameter.default_value;
  if (value.is_null()) return "must be given";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

std::string ParameterReferenceMarkdown() {
  std::string page =
      "# Parameters of a trial\n"
      "\n"
      "<!-- Made from model/config/parameter_table.cc; don't edit. -->\n"
      "\n"
      "What can stand under `parameters:` in a sweep file "
      "([guide](sweep-file.md)). A parameter whose condition does not hold has "
      "no effect on a trial and is no part of its identity.\n"
      "\n"
      "| parameter | type | values | default | has an effect if | meaning |\n"
      "|---|---|---|---|---|---|\n";
  for (const config::Parameter& parameter : config::Parameters()) {
    std::string range = config::RangeText(parameter);
    if (!parameter.unit.empty()) {
      range += (range.empty() ? "" : " ") + parameter.unit;
    }
    std::string condition = config::ConditionText(parameter);
    page += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", parameter.name,
                        config::TypeName(parameter.type), Cell(range),
                        DefaultText(parameter),
                        condition.empty() ? "always" : Cell(condition),
                        Cell(parameter.meaning));
  }
  return page;
}

}  // namespace dfsweep::sweeps
