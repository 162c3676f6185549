#include "coordinator/results/provenance.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <string>
#include <string_view>

#include "base/display_text.h"

namespace dfsweep::coordinator {
namespace {

constexpr size_t kShownDigits = 12;  // of a dataset's digest

constexpr std::string_view kUnknown = "unknown";

std::string_view TextOf(const SharedJson& object, const char* key) {
  auto found = object->find(key);
  if (found == object->end() || !found->is_string()) return kUnknown;
  return found->get_ref<const std::string&>();
}

std::string_view PrecisionOf(const ResultRow& row) {
  const std::string_view precision = row.parameters.Text("precision");
  return precision.empty() ? kUnknown : precision;
}

// What must agree: its name and its value in a row.
struct Aspect {
  std::string_view name;
  std::string_view (*value)(const ResultRow&);
};

constexpr Aspect kAspects[] = {
    {"dataset",
     [](const ResultRow& row) {
       return std::string_view(row.dataset.digest).substr(0, kShownDigits);
     }},
    {"build",
     [](const ResultRow& row) { return TextOf(row.environment, "build"); }},
    {"LibTorch",
     [](const ResultRow& row) { return TextOf(row.environment, "torch"); }},
    {"device",
     [](const ResultRow& row) { return TextOf(row.environment, "device"); }},
    {"precision", PrecisionOf},
};

bool IsMeantToDiffer(const Aspect& aspect, const View& view) {
  return std::find(view.parameters.begin(), view.parameters.end(),
                   aspect.name) != view.parameters.end();
}

bool HasResult(const ResultRow& row) { return row.status == "completed"; }

bool HaveSamePrecision(const ResultRow& a, const ResultRow& b) {
  return a.parameters.IsSame(b.parameters) || PrecisionOf(a) == PrecisionOf(b);
}

// Surely alike in every aspect.
bool IsAlike(const ResultRow& a, const ResultRow& b) {
  return a.environment.IsSame(b.environment) &&
         a.dataset.digest == b.dataset.digest && HaveSamePrecision(a, b);
}

// How many completed trials have which value.
using Tally = std::map<std::string_view, int64_t>;

// As kAspects.
std::array<Tally, std::size(kAspects)> Tallies(
    const std::vector<ResultRow>& rows) {
  std::array<Tally, std::size(kAspects)> tallies;
  std::array<int64_t*, std::size(kAspects)> counts;  // of the last row's values
  const ResultRow* last = nullptr;
  for (const ResultRow& row : rows) {
    if (!HasResult(row)) continue;
    if (last == nullptr || !IsAlike(row, *last)) {
      for (size_t a = 0; a < counts.size(); ++a) {
        counts[a] = &tallies[a][kAspects[a].value(row)];
      }
    }
    for (int64_t* count : counts) ++*count;
    last = &row;
  }
  return tallies;
}

std::string_view MostCommon(const Tally& tally) {
  return std::max_element(
             tally.begin(), tally.end(),
             [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

void MarkOthers(const Aspect& aspect, std::string_view usual, View& view) {
  for (Group& group : view.groups) {
    for (const ResultRow* row : group.rows) {
      if (HasResult(*row) && aspect.value(*row) != usual) {
        group.odd_provenance = true;
      }
    }
  }
}

// "device cpu (8 trials), cuda (2 trials)".
std::string Describe(const Aspect& aspect, const Tally& tally) {
  std::vector<std::string> values;
  for (const auto& [value, count] : tally) {
    values.push_back(fmt::format("{} ({} trial{})", Printable(value), count,
                                 count == 1 ? "" : "s"));
  }
  return fmt::format("{} {}", aspect.name, fmt::join(values, ", "));
}

}  // namespace

void MarkOddProvenance(const std::vector<ResultRow>& rows, View& view) {
  const auto tallies = Tallies(rows);
  std::vector<std::string> mixed;
  for (size_t a = 0; a < tallies.size(); ++a) {
    const Aspect& aspect = kAspects[a];
    if (tallies[a].size() < 2 || IsMeantToDiffer(aspect, view)) continue;
    MarkOthers(aspect, MostCommon(tallies[a]), view);
    mixed.push_back(Describe(aspect, tallies[a]));
  }
  view.mixed_provenance = fmt::format("{}", fmt::join(mixed, "; "));
}

}  // namespace dfsweep::coordinator
