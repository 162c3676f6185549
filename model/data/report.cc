#include "model/data/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <set>

namespace dfsweep::data {
namespace {

using Json = nlohmann::json;

std::span<const int8_t> Row(const Traces& traces, int64_t index) {
  return std::span(traces.cells).subspan(index * traces.length, traces.length);
}

int64_t LengthOf(std::span<const int8_t> row) {
  int64_t length = row.size();
  while (length > 0 && row[length - 1] == 0) --length;
  return length;
}

// The value at share `q` of sorted `values`: the nearest rank.
int64_t Quantile(const std::vector<int64_t>& values, double q) {
  return values[std::llround(q * (values.size() - 1))];
}

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::string Percent(int64_t part, int64_t whole) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %%", 100.0 * part / whole);
  return text;
}

void DescribeClasses(const Traces& traces, Report* report) {
  std::map<int64_t, int64_t> instances;
  for (int64_t label : traces.labels) ++instances[label];
  std::vector<int64_t> sizes;
  for (const auto& [label, size] : instances) sizes.push_back(size);
  std::sort(sizes.begin(), sizes.end());
  const size_t n = sizes.size();
  report->classes = n;
  report->smallest_label = instances.begin()->first;
  report->largest_label = instances.rbegin()->first;
  report->label_gaps =
      report->largest_label - report->smallest_label + 1 - report->classes;
  report->fewest_instances = sizes.front();
  report->most_instances = sizes.back();
  report->median_instances = (sizes[(n - 1) / 2] + sizes[n / 2]) / 2.0;
  report->groups =
      std::set<int64_t>(traces.groups.begin(), traces.groups.end()).size();
}

// Traces end at all lengths, so if this share ends at the longest, it is a cap.
constexpr double kCapShare = 0.005;

void DescribeCells(const Traces& traces, Report* report) {
  std::vector<int64_t> lengths;
  lengths.reserve(traces.count);
  for (int64_t i = 0; i < traces.count; ++i) {
    std::span<const int8_t> row = Row(traces, i);
    int64_t length = LengthOf(row);
    lengths.push_back(length);
    report->short_traces += length < Report::kShortTrace;
    report->interior_zero_traces +=
        std::count(row.begin(), row.begin() + length, 0) > 0;
    auto first = std::find_if(row.begin(), row.end(),
                              [](int8_t cell) { return cell != 0; });
    (*first > 0 ? report->starts_outgoing : report->starts_incoming) += 1;
  }
  std::sort(lengths.begin(), lengths.end());
  for (size_t q = 0; q < Report::kQuantiles.size(); ++q) {
    report->length_quantiles[q] = Quantile(lengths, Report::kQuantiles[q]);
  }
  const int64_t longest = lengths.back();
  const int64_t at_longest =
      lengths.end() - std::lower_bound(lengths.begin(), lengths.end(), longest);
  // One alone is the longest of any set.
  const bool capped = longest == traces.length ||
                      at_longest >= kCapShare * traces.count;
  if (at_longest >= 2 && capped) report->capped_traces = at_longest;
  if (report->padding.empty()) {
    report->padding = lengths.front() == traces.length
                          ? "none: every trace fills its row"
                          : "0 at the end";
  }
}

// Enough bits that two different traces never share it by chance.
struct Hash {
  uint64_t a, b;
  auto operator<=>(const Hash&) const = default;
};

uint64_t Mix(uint64_t value) {  // the finaliser of MurmurHash3
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdULL;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

Hash HashOf(std::span<const int8_t> row) {
  Hash hash = {0x9e3779b97f4a7c15ULL, 0xc2b2ae3d27d4eb4fULL};
  for (size_t at = 0; at < row.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, row.data() + at, std::min<size_t>(8, row.size() - at));
    hash.a = Mix(hash.a ^ word);
    hash.b = (hash.b + Mix(word ^ hash.a)) * 0x9fb21c651e98df25ULL;
  }
  return {hash.a, Mix(hash.b)};
}

void DescribeRepetition(const Traces& traces, Report* report) {
  std::vector<std::pair<Hash, int64_t>> rows;
  rows.reserve(traces.count);
  for (int64_t i = 0; i < traces.count; ++i) {
    rows.emplace_back(HashOf(Row(traces, i)), i);
  }
  std::sort(rows.begin(), rows.end());
  for (size_t begin = 0, end; begin < rows.size(); begin = end) {
    std::set<int64_t> labels, groups;
    for (end = begin; end < rows.size() && rows[end].first == rows[begin].first;
         ++end) {
      labels.insert(traces.labels[rows[end].second]);
      if (!traces.groups.empty())
        groups.insert(traces.groups[rows[end].second]);
    }
    report->repeated_traces += end - begin - 1;
    report->ambiguous_sets += labels.size() > 1;
    if (groups.size() > 1) report->repeated_across_groups += end - begin;
  }
}

void AddWarnings(Report* report) {
  std::vector<std::string>& warnings = report->warnings;
  auto add = [&](int64_t count, const std::string& rest) {
    if (count > 0) warnings.push_back(std::to_string(count) + rest);
  };
  const std::string n = std::to_string(report->traces);
  add(report->repeated_traces,
      " of " + n +
          " traces are identical to an earlier one, so a random split would "
          "test on what it trained on; split by group, or remove them");
  add(report->repeated_across_groups,
      " traces are identical to one in another group, so even a split by group "
      "leaks; remove them, or report the leak with the results");
  add(report->ambiguous_sets,
      " sets of identical traces carry different labels, so no model can be "
      "right about all; check how they were recorded");
  add(report->short_traces, " traces have fewer than " +
                                std::to_string(Report::kShortTrace) +
                                " cells; check whether these pages loaded");
  add(report->interior_zero_traces,
      " traces have a 0 before their last cell (kept); if these are cells at "
      "time 0, import the original with --format wflib");
  add(report->empty_dropped,
      " traces have no cell and were left out; record them again");
  if (report->length_quantiles.front() != report->length_quantiles.back()) {
    add(report->capped_traces,
        " traces end at the longest length, " +
            std::to_string(report->length_quantiles.back()) +
            " cells, so they were probably cut there; compare results with a "
            "longer recording");
  }
  add(report->label_gaps,
      " labels between the smallest and the largest have no trace; check "
      "whether classes are missing");
  if (report->classes == 1) {
    warnings.push_back(
        "there is only one class; a classifier needs at least two");
  }
  if (report->fewest_instances < 10) {
    warnings.push_back("the smallest class has " +
                       std::to_string(report->fewest_instances) +
                       " traces; its accuracy will be very uncertain, so "
                       "record more or leave it out");
  }
}

std::string Line(const std::string& name, const std::string& value) {
  return name + std::string(12 - name.size(), ' ') + value + "\n";
}

}  // namespace

void Describe(const Traces& traces, Report* report) {
  report->traces = traces.count;
  report->length = traces.length;
  DescribeClasses(traces, report);
  DescribeCells(traces, report);
  DescribeRepetition(traces, report);
  AddWarnings(report);
}

Json ToJson(const Report& report) {
  Json names = Json::object();
  for (const auto& [label, name] : report.class_names) {
    names[std::to_string(label)] = name;
  }
  Json quantiles = Json::object();
  for (size_t i = 0; i < Report::kQuantiles.size(); ++i) {
    quantiles[Number(Report::kQuantiles[i])] = report.length_quantiles[i];
  }
  return {{"format", report.format},
          {"padding", report.padding},
          {"traces", report.traces},
          {"length", report.length},
          {"classes", report.classes},
          {"smallest_label", report.smallest_label},
          {"largest_label", report.largest_label},
          {"label_gaps", report.label_gaps},
          {"class_names", names},
          {"instances",
           {{"min", report.fewest_instances},
            {"median", report.median_instances},
            {"max", report.most_instances}}},
          {"length_quantiles", quantiles},
          {"capped_traces", report.capped_traces},
          {"short_traces", report.short_traces},
          {"starts_outgoing", report.starts_outgoing},
          {"starts_incoming", report.starts_incoming},
          {"empty_dropped", report.empty_dropped},
          {"interior_zero_traces", report.interior_zero_traces},
          {"groups", report.groups},
          {"repeated_traces", report.repeated_traces},
          {"repeated_across_groups", report.repeated_across_groups},
          {"ambiguous_sets", report.ambiguous_sets},
          {"warnings", report.warnings}};
}

std::string FormatReport(const Report& report) {
  auto text = [](int64_t value) { return std::to_string(value); };
  std::string quantiles;
  for (size_t i = 0; i < Report::kQuantiles.size(); ++i) {
    quantiles += (i ? ", " : "") + Number(100 * Report::kQuantiles[i]) +
                 "%: " + text(report.length_quantiles[i]);
  }
  std::string out =
      Line("format", report.format) +
      Line("traces",
           text(report.traces) + " rows of " + text(report.length) + " cells") +
      Line("classes", text(report.classes) + ", labels " +
                          text(report.smallest_label) + " to " +
                          text(report.largest_label) +
                          (report.label_gaps
                               ? " with " + text(report.label_gaps) + " missing"
                               : "") +
                          (report.class_names.empty() ? "" : ", named")) +
      Line("instances", "min " + text(report.fewest_instances) + ", median " +
                            Number(report.median_instances) + ", max " +
                            text(report.most_instances) + " a class") +
      Line("lengths", quantiles) + Line("padding", report.padding) +
      Line("first cell", "outgoing in " +
                             Percent(report.starts_outgoing, report.traces) +
                             ", incoming in " +
                             Percent(report.starts_incoming, report.traces)) +
      Line("groups", report.groups ? text(report.groups) : "none") +
      Line("identical", text(report.repeated_traces) + " traces; " +
                            text(report.ambiguous_sets) +
                            " sets with different labels");
  for (const std::string& warning : report.warnings) {
    out += Line("warning", warning);
  }
  return out;
}

Json Manifest(const Report& report, const std::string& name,
              const std::string& digest, const std::string& licence) {
  Json manifest = ToJson(report);
  manifest["name"] = name;
  manifest["digest"] = digest;
  if (!licence.empty()) manifest["licence"] = licence;
  return manifest;
}

}  // namespace dfsweep::data
