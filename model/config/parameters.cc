#include "model/config/parameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include "base/nearest.h"

namespace dfsweep::config {
namespace {

constexpr int64_t kLargestLabel = 999'999;  // data/limits.h: kMaxLabel

// Whole numbers in full: 1000000, not 1e+06.
std::string NumberText(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return std::to_string(static_cast<int64_t>(value));
  }
  std::ostringstream text;
  text << value;
  return text.str();
}

[[noreturn]] void Refuse(const Parameter& parameter, const std::string& found) {
  std::string range = RangeText(parameter);
  throw Error("parameter '" + parameter.name + "' can't be " + found, "",
              "give it " + std::string(TypeName(parameter.type)) +
                  (range.empty() ? "" : " values: " + range));
}

void CheckRange(const Parameter& parameter, double value) {
  bool low = parameter.minimum.has_value() &&
             (value < *parameter.minimum ||
              (parameter.minimum_exclusive && value == *parameter.minimum));
  bool high = parameter.maximum.has_value() &&
              (value > *parameter.maximum ||
               (parameter.maximum_exclusive && value == *parameter.maximum));
  if (low || high || !std::isfinite(value)) {
    Refuse(parameter, NumberText(value));
  }
}

Json NormalizeInteger(const Parameter& parameter, const Json& value) {
  // 1e3 is a number, and a whole one.
  double real = value.is_number() ? value.get<double>() : std::nan("");
  if (!(std::abs(real) <= 9007199254740992.0) || real != std::floor(real)) {
    Refuse(parameter, value.dump());
  }
  CheckRange(parameter, real);
  return static_cast<int64_t>(real);
}

Json NormalizeReal(const Parameter& parameter, const Json& value) {
  if (!value.is_number()) Refuse(parameter, value.dump());
  double real = value.get<double>();
  CheckRange(parameter, real);
  return real == 0 ? 0.0 : real;  // no negative zero
}

Json NormalizeChoice(const Parameter& parameter, const Json& value) {
  if (!value.is_string()) Refuse(parameter, value.dump());
  auto text = value.get<std::string>();
  const auto& choices = parameter.choices;
  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
    std::string nearest = Nearest(text, choices);
    throw Error("parameter '" + parameter.name + "' can't be \"" + text + "\"",
                "",
                nearest.empty() ? "choose one of " + RangeText(parameter)
                                : "did you mean \"" + nearest + "\"? It is " +
                                      RangeText(parameter));
  }
  return text;
}

Json NormalizeEpochs(const Parameter& parameter, const Json& value) {
  if (!value.is_object()) return NormalizeInteger(parameter, value);
  if (value.size() != 1 || !value.contains("per_task") ||
      !value["per_task"].is_array() || value["per_task"].empty()) {
    throw Error("parameter 'epochs' can't be " + value.dump(), "",
                "give a number, or {per_task: [30, 10]}");
  }
  Json list = Json::array();
  for (const Json& item : value["per_task"]) {
    list.push_back(NormalizeInteger(parameter, item));
  }
  return Json{{"per_task", list}};
}

std::string LabelsText(const std::vector<int64_t>& labels) {
  std::string text;
  for (size_t i = 0; i < labels.size();) {
    size_t end = i;
    while (end + 1 < labels.size() && labels[end + 1] == labels[end] + 1) ++end;
    if (!text.empty()) text += ",";
    text += std::to_string(labels[i]);
    if (end > i) text += "-" + std::to_string(labels[end]);
    i = end + 1;
  }
  return text;
}

Json NormalizeLabelSets(const Parameter& parameter, const Json& value) {
  if (!value.is_array() || value.empty()) Refuse(parameter, value.dump());
  double most = *FindParameter("tasks.count")->maximum;
  if (static_cast<double>(value.size()) > most) {
    throw Error("'tasks.labels' has " + std::to_string(value.size()) + " tasks",
                "", "give at most " + NumberText(most));
  }
  Json sets = Json::array();
  std::set<int64_t> seen;
  for (const Json& item : value) {
    if (!item.is_string() && !item.is_number_integer()) {
      Refuse(parameter, value.dump());
    }
    std::vector<int64_t> labels =
        ParseLabels(item.is_string() ? item.get<std::string>() : item.dump());
    for (int64_t label : labels) {
      if (!seen.insert(label).second) {
        throw Error("label " + std::to_string(label) +
                        " is in two tasks of 'tasks.labels'",
                    "", "name each label once");
      }
    }
    sets.push_back(LabelsText(labels));
  }
  return sets;
}

// The result has a line for each epoch, and a limited size.
void CheckSumOfEpochs(const Json& configuration) {
  const Json& epochs = configuration["epochs"];
  int64_t sum = 0;
  if (epochs.is_object()) {
    for (const Json& count : epochs["per_task"]) sum += count.get<int64_t>();
  } else {
    bool joint = configuration["strategy"] == "joint";
    sum = epochs.get<int64_t>() * (joint ? 1 : TaskCount(configuration));
  }
  double most = *FindParameter("epochs")->maximum;
  if (static_cast<double>(sum) > most) {
    throw Error("'epochs' add up to " + std::to_string(sum) + " over all tasks",
                "", "give at most " + NumberText(most) + " together");
  }
}

void CheckEpochsFitTasks(const Json& configuration) {
  const Json& epochs = configuration["epochs"];
  if (!epochs.is_object()) return;
  if (configuration["strategy"] == "joint") {
    throw Error(
        "'epochs' has a number for each task, but strategy joint trains once",
        "",
        "give joint one number, e.g. with a separate entry under 'include'");
  }
  int64_t tasks = TaskCount(configuration);
  auto given = static_cast<int64_t>(epochs["per_task"].size());
  if (given != tasks) {
    throw Error("'epochs' has " + std::to_string(given) + " numbers for " +
                    std::to_string(tasks) + " tasks",
                "", "give one number a task, or one for all");
  }
}

void CheckScenario(const Json& configuration) {
  const Json& strategy = configuration["strategy"];
  if (strategy != "icarl" && strategy != "bic") return;
  if (configuration["scenario"] == "class-incremental") return;
  throw Error("strategy " + strategy.get<std::string>() +
                  " is for class-incremental learning only",
              "", "set scenario: class-incremental, or another strategy");
}

// Takes a label off the front of `text`, with the spaces around it; -1 if there
// is none.
int64_t TakeLabel(std::string_view* text) {
  auto skip_spaces = [&] {
    text->remove_prefix(std::min(text->find_first_not_of(' '), text->size()));
  };
  skip_spaces();
  // from_chars would take a sign.
  if (text->empty() || text->front() < '0' || text->front() > '9') return -1;
  int64_t label = 0;
  auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), label);
  if (error != std::errc() || label > kLargestLabel) return -1;
  text->remove_prefix(end - text->data());
  skip_spaces();
  return label;
}

}  // namespace

const Parameter* FindParameter(std::string_view name) {
  for (const Parameter& parameter : Parameters()) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kBoolean:
      return "bool";
    case Type::kInteger:
      return "integer";
    case Type::kReal:
      return "real";
    case Type::kChoice:
      return "choice";
    case Type::kEpochs:
      return "epochs";
    case Type::kLabelSets:
      return "label sets";
  }
  return "";
}

std::string RangeText(const Parameter& parameter) {
  if (!parameter.choices.empty()) {
    std::string text;
    for (const std::string& choice : parameter.choices) {
      text += (text.empty() ? "" : " | ") + choice;
    }
    return text;
  }
  if (parameter.type == Type::kBoolean) return "true | false";
  std::string text;
  if (parameter.minimum.has_value()) {
    text = (parameter.minimum_exclusive ? "> " : "≥ ") +
           NumberText(*parameter.minimum);
  }
  if (parameter.maximum.has_value()) {
    text += (text.empty() ? "" : ", ") +
            std::string(parameter.maximum_exclusive ? "< " : "≤ ") +
            NumberText(*parameter.maximum);
  }
  return text;
}

std::string ConditionText(const Parameter& parameter) {
  std::string text;
  for (const Condition& condition : parameter.when) {
    if (!text.empty()) text += " and ";
    text += condition.parameter + " = ";
    for (size_t i = 0; i < condition.values.size(); ++i) {
      text += (i > 0 ? " or " : "") + condition.values[i];
    }
  }
  return text;
}

Json Normalize(const Parameter& parameter, const Json& value) {
  switch (parameter.type) {
    case Type::kBoolean:
      if (!value.is_boolean()) Refuse(parameter, value.dump());
      return value;
    case Type::kInteger:
      return NormalizeInteger(parameter, value);
    case Type::kReal:
      return NormalizeReal(parameter, value);
    case Type::kChoice:
      return NormalizeChoice(parameter, value);
    case Type::kEpochs:
      return NormalizeEpochs(parameter, value);
    case Type::kLabelSets:
      return NormalizeLabelSets(parameter, value);
  }
  throw std::logic_error("a parameter without a type");
}

bool Applies(const Parameter& parameter, const Json& configuration) {
  return std::all_of(parameter.when.begin(), parameter.when.end(),
                     [&](const Condition& condition) {
                       auto value = configuration.find(condition.parameter);
                       if (value == configuration.end()) return false;
                       const auto& values = condition.values;
                       return std::find(values.begin(), values.end(),
                                        value->get<std::string>()) !=
                              values.end();
                     });
}

Json Effective(const Json& configuration) {
  for (const auto& [name, value] : configuration.items()) {
    if (FindParameter(name) == nullptr) {
      std::vector<std::string> names;
      for (const Parameter& parameter : Parameters()) {
        names.push_back(parameter.name);
      }
      throw Error(
          "there is no parameter '" + name + "'", "",
          DidYouMean(name, names, "run 'dfsweep parameters' for the list"));
    }
  }
  Json effective = Json::object();
  for (const Parameter& parameter : Parameters()) {
    auto given = configuration.find(parameter.name);
    // A value without effect is still checked: it will have one tomorrow.
    Json value = given == configuration.end() ? parameter.default_value
                                              : Normalize(parameter, *given);
    if (!Applies(parameter, effective)) continue;
    if (value.is_null()) {
      throw Error("parameter '" + parameter.name + "' is missing", "",
                  "give it a value: with " + ConditionText(parameter) +
                      " it has no default");
    }
    effective[parameter.name] = std::move(value);
  }
  CheckScenario(effective);
  CheckEpochsFitTasks(effective);
  CheckSumOfEpochs(effective);
  return effective;
}

int64_t TaskCount(const Json& configuration) {
  return configuration.contains("tasks.count")
             ? configuration["tasks.count"].get<int64_t>()
             : static_cast<int64_t>(configuration["tasks.labels"].size());
}

std::vector<int64_t> ParseLabels(const std::string& labels) {
  auto fail = [&] {
    return Error("\"" + labels + "\" is not a set of labels", "",
                 "write labels and ranges from 0 to " +
                     std::to_string(kLargestLabel) +
                     " with commas, e.g. \"0-42,50\"");
  };
  std::set<int64_t> result;
  std::istringstream parts(labels);
  std::string part;
  while (std::getline(parts, part, ',')) {
    std::string_view rest = part;
    int64_t first = TakeLabel(&rest);
    int64_t last = first;
    if (rest.starts_with('-')) {
      rest.remove_prefix(1);
      last = TakeLabel(&rest);
    }
    if (!rest.empty() || first < 0 || last < first) throw fail();
    for (int64_t label = first; label <= last; ++label) result.insert(label);
  }
  if (result.empty()) throw fail();
  return {result.begin(), result.end()};
}

Configuration::Configuration(const Json& configuration)
    : effective_(Effective(configuration)) {}

bool Configuration::Has(std::string_view name) const {
  return effective_.contains(std::string(name));
}

const Json& Configuration::Get(std::string_view name, Type type) const {
  const Parameter* parameter = FindParameter(name);
  auto value = effective_.find(std::string(name));
  if (parameter == nullptr || parameter->type != type ||
      value == effective_.end()) {
    throw std::logic_error("parameter '" + std::string(name) +
                           "' is read wrongly");
  }
  return *value;
}

bool Configuration::Boolean(std::string_view name) const {
  return Get(name, Type::kBoolean).get<bool>();
}
int64_t Configuration::Integer(std::string_view name) const {
  return Get(name, Type::kInteger).get<int64_t>();
}
double Configuration::Real(std::string_view name) const {
  return Get(name, Type::kReal).get<double>();
}
std::string Configuration::Choice(std::string_view name) const {
  return Get(name, Type::kChoice).get<std::string>();
}
std::vector<std::string> Configuration::LabelSets(std::string_view name) const {
  return Get(name, Type::kLabelSets).get<std::vector<std::string>>();
}
int64_t Configuration::Epochs(int64_t task) const {
  const Json& epochs = Get("epochs", Type::kEpochs);
  return epochs.is_object() ? epochs["per_task"].at(task).get<int64_t>()
                            : epochs.get<int64_t>();
}

}  // namespace dfsweep::config
