#include "sweeps/distribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sweeps/errors.h"

namespace dfsweep::sweeps {
namespace {

using config::Type;

absl::StatusOr<double> Number(const NamedNode& named, std::string_view key,
                              const Node& node) {
  if (node.is_scalar() && node.value.is_number()) {
    return node.value.get<double>();
  }
  return Invalid(
      fmt::format("'{}' of '{}' can't be {}", key, named.name, Describe(node)),
      node.where, "give a number");
}

// The value of the one of two keys that is there; null if neither is.
absl::StatusOr<const Node*> Either(const NamedNode& named, const Node& node,
                                   const char* ours, const char* alias) {
  const Node* first = node.Find(ours);
  const Node* second = node.Find(alias);
  if (first == nullptr || second == nullptr) {
    return first != nullptr ? first : second;
  }
  return Invalid(
      fmt::format("'{}' has both '{}' and '{}'", named.name, ours, alias),
      second->where, "keep one of the two");
}

bool IsWhole(const NamedNode& named) {
  return named.parameter->type == Type::kInteger ||
         named.parameter->type == Type::kEpochs;
}

// What the words of a distribution ask for, beyond its ends.
struct Shape {
  bool log = false;
  bool exponents = false;  // W&B's log_uniform gives ln(min) and ln(max)
  bool integer = false;
  bool quantized = false;
};

absl::StatusOr<Shape> ShapeOf(const NamedNode& named, const Node& node) {
  Shape shape{.integer = IsWhole(named)};
  if (const Node* log = node.Find("log"); log != nullptr) {
    if (!log->is_scalar() || !log->value.is_boolean()) {
      return Invalid(
          fmt::format("'log' of '{}' can't be {}", named.name, Describe(*log)),
          log->where, "write log: true or log: false");
    }
    shape.log = log->value.get<bool>();
  }
  const Node* distribution = node.Find("distribution");
  if (distribution == nullptr) return shape;
  const auto& names = DistributionNames();
  const std::string& name = distribution->text;
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return Invalid(fmt::format("'{}' can't have distribution {}", named.name,
                               Describe(*distribution)),
                   distribution->where,
                   fmt::format("use one of {}", fmt::join(names, ", ")));
  }
  if (name == "constant" || name == "categorical") {
    return Invalid(
        fmt::format("'{}' has distribution {} but a range", named.name, name),
        distribution->where,
        name == "constant" ? "give {value: …}" : "give {values: […]}");
  }
  shape.log |= name.starts_with("log_");
  shape.exponents = name == "log_uniform";
  shape.integer |= name == "int_uniform";
  shape.quantized = name == "q_uniform";
  return shape;
}

// Beyond it not every whole number is a double.
constexpr double kLargest = 9e15;

absl::Status CheckRange(const NamedNode& named, const Node& node,
                        const Range& range) {
  if (!(range.low < range.high)) {
    return Invalid(
        fmt::format("the range of '{}' has no two values", named.name),
        node.where, "give min < max");
  }
  if (!std::isfinite(range.high - range.low)) {
    return Invalid(fmt::format("the range of '{}' is too wide", named.name),
                   node.where, "give ends that are closer together");
  }
  if (range.log && !(range.low > 0)) {
    return Invalid(fmt::format("'{}' has a log scale that begins at {}",
                               named.name, range.low),
                   node.where,
                   "give a min above 0, or leave the log scale away");
  }
  if (range.log && range.step > 0) {
    return Invalid(
        fmt::format("'{}' has both a step and a log scale", named.name),
        node.where, "keep one of the two, or list the values");
  }
  return absl::OkStatus();
}

// The parameter's own limits hold at both ends, hence between them.
absl::Status CheckEnd(const NamedNode& named, const Node& node, double value,
                      bool integer) {
  Node end;
  end.kind = Node::Kind::kScalar;
  end.where = node.where;
  end.text = fmt::format("{:.12g}", value);
  end.value = value;
  if (integer) end.value = static_cast<int64_t>(value);
  return NormalValue(*named.parameter, end).status();
}

absl::StatusOr<double> ParseEnd(const NamedNode& named, std::string_view key,
                                const Node& node, const Shape& shape) {
  DFSWEEP_ASSIGN_OR_RETURN(double value, Number(named, key, node));
  if (shape.exponents) value = std::exp(value);
  const bool is_whole =
      std::abs(value) <= kLargest && value == std::floor(value);
  if (shape.integer && !is_whole) {
    return Invalid(fmt::format("'{}' of '{}' can't be {}: it has whole numbers",
                               key, named.name, Describe(node)),
                   node.where, "give a whole number");
  }
  DFSWEEP_RETURN_IF_ERROR(CheckEnd(named, node, value, shape.integer));
  return value;
}

absl::StatusOr<double> ParseStep(const NamedNode& named, const Node& node,
                                 const Shape& shape) {
  DFSWEEP_ASSIGN_OR_RETURN(const Node* found, Either(named, node, "step", "q"));
  if (found == nullptr) {
    if (!shape.quantized) return shape.integer && !shape.log ? 1 : 0;
    return Invalid(fmt::format("q_uniform of '{}' has no 'q'", named.name),
                   node.where, "add q: the distance between two values");
  }
  DFSWEEP_ASSIGN_OR_RETURN(double step, Number(named, "step", *found));
  const bool fits = step > 0 && (!shape.integer || step == std::floor(step));
  if (fits) return step;
  return Invalid(
      fmt::format("the step of '{}' can't be {}", named.name, Describe(*found)),
      found->where,
      shape.integer ? "give a whole number above 0" : "give a number above 0");
}

}  // namespace

const std::vector<std::string>& DistributionNames() {
  static const auto& names = *new std::vector<std::string>{
      "constant",  "categorical",        "uniform",    "int_uniform",
      "q_uniform", "log_uniform_values", "log_uniform"};
  return names;
}

absl::StatusOr<Range> ParseDistribution(const NamedNode& named,
                                        const Node& node) {
  const bool is_number =
      named.parameter != nullptr &&
      (IsWhole(named) || named.parameter->type == Type::kReal);
  if (!is_number) {
    return Invalid(
        fmt::format("'{}' is not a number and has no range", named.name),
        node.where, "list its values: {values: […]}");
  }
  DFSWEEP_ASSIGN_OR_RETURN(const Node* low, Either(named, node, "min", "low"));
  DFSWEEP_ASSIGN_OR_RETURN(const Node* high,
                           Either(named, node, "max", "high"));
  if (low == nullptr || high == nullptr) {
    return Invalid(fmt::format("the range of '{}' is not complete", named.name),
                   node.where, "give {min: …, max: …} or {values: […]}");
  }
  DFSWEEP_ASSIGN_OR_RETURN(Shape shape, ShapeOf(named, node));
  Range range{.log = shape.log, .integer = shape.integer};
  DFSWEEP_ASSIGN_OR_RETURN(range.low, ParseEnd(named, "min", *low, shape));
  DFSWEEP_ASSIGN_OR_RETURN(range.high, ParseEnd(named, "max", *high, shape));
  DFSWEEP_ASSIGN_OR_RETURN(range.step, ParseStep(named, node, shape));
  DFSWEEP_RETURN_IF_ERROR(CheckRange(named, node, range));
  if (range.step > 0) {  // the last value is a whole number of steps away
    const double steps =
        std::floor((range.high - range.low) / range.step + 1e-9);
    range.high = range.low + steps * range.step;
    DFSWEEP_RETURN_IF_ERROR(CheckRange(named, node, range));
  }
  return range;
}

}  // namespace dfsweep::sweeps
