#include "coordinator/results/provenance.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/display_text.h"

namespace dfsweep::coordinator {
namespace {

constexpr size_t kShownDigits = 12;  // of a dataset's digest

std::string_view TextOf(const SharedJson& object, const char* key) {
  auto found = object->find(key);
  if (found == object->end() || !found->is_string()) return "unknown";
  return found->get_ref<const std::string&>();
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
    {"precision",
     [](const ResultRow& row) { return TextOf(row.parameters, "precision"); }},
};

bool IsMeantToDiffer(const Aspect& aspect, const View& view) {
  return std::find(view.parameters.begin(), view.parameters.end(),
                   aspect.name) != view.parameters.end();
}

bool HasResult(const ResultRow& row) { return row.status == "completed"; }

// Surely alike in every aspect.
bool IsAlike(const ResultRow& a, const ResultRow& b) {
  return a.parameters.IsSame(b.parameters) &&
         a.environment.IsSame(b.environment) &&
         a.dataset.digest == b.dataset.digest;
}

// How many completed trials have which value.
std::map<std::string_view, int64_t> Tally(const std::vector<ResultRow>& rows,
                                          const Aspect& aspect) {
  std::map<std::string_view, int64_t> tally;
  const ResultRow* last = nullptr;
  int64_t* count = nullptr;  // of its value
  for (const ResultRow& row : rows) {
    if (!HasResult(row)) continue;
    if (last == nullptr || !IsAlike(row, *last)) {
      count = &tally[aspect.value(row)];
    }
    ++*count;
    last = &row;
  }
  return tally;
}

}  // namespace

void MarkOddProvenance(const std::vector<ResultRow>& rows, View& view) {
  for (const Aspect& aspect : kAspects) {
    if (IsMeantToDiffer(aspect, view)) continue;
    std::map<std::string_view, int64_t> tally = Tally(rows, aspect);
    if (tally.size() < 2) continue;
    const std::string_view usual =
        std::max_element(
            tally.begin(), tally.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; })
            ->first;
    for (Group& group : view.groups) {
      for (const ResultRow* row : group.rows) {
        if (HasResult(*row) && aspect.value(*row) != usual) {
          group.odd_provenance = true;
        }
      }
    }
  }
}

std::string ProvenanceNote(const std::vector<ResultRow>& rows,
                           const View& view) {
  std::vector<std::string> parts;
  for (const Aspect& aspect : kAspects) {
    if (IsMeantToDiffer(aspect, view)) continue;
    std::vector<std::string> values;
    for (const auto& [value, count] : Tally(rows, aspect)) {
      values.push_back(fmt::format("{} ({} trial{})", Printable(value), count,
                                   count == 1 ? "" : "s"));
    }
    if (values.size() < 2) continue;
    parts.push_back(fmt::format("{} {}", aspect.name, fmt::join(values, ", ")));
  }
  if (parts.empty()) return "";
  return fmt::format("mixed provenance: {}", fmt::join(parts, "; "));
}

}  // namespace dfsweep::coordinator
