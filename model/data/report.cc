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
  report->unmonitored_label = traces.unmonitored;
  if (traces.unmonitored) report->unmonitored = instances[*traces.unmonitored];
}

void DescribeSplit(const Traces& traces, Report* report) {
  report->has_split = !traces.split.empty();
  auto on = [&](Side side) {
    return std::count(traces.split.begin(), traces.split.end(), side);
  };
  report->train = on(Side::kTrain);
  report->validation = on(Side::kValidation);
  report->test = on(Side::kTest);
}

void DescribeTimes(const Traces& traces, Report* report) {
  report->timed = !traces.times.empty();
  if (!report->timed) return;
  for (int64_t i = 0; i < traces.count; ++i) {
    std::span<const int8_t> row = Row(traces, i);
    auto times =
        std::span(traces.times).subspan(i * traces.length, traces.length);
    const int64_t length = LengthOf(row);
    float last = 0;
    bool falls = false;
    for (int64_t cell = 0; cell < length; ++cell) {
      if (row[cell] == 0) continue;
      falls |= times[cell] < last;
      last = times[cell];
      report->longest_seconds = std::max<double>(report->longest_seconds, last);
    }
    auto first = std::find_if(row.begin(), row.end(),
                              [](int8_t cell) { return cell != 0; });
    report->starts_later += times[first - row.begin()] > 0;
    report->times_going_back += falls;
  }
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
  const bool capped =
      longest == traces.length || at_longest >= kCapShare * traces.count;
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

// The bytes of a row: cells or pixels.
std::span<const uint8_t> BytesOf(const Traces& traces, int64_t index) {
  const uint8_t* all =
      traces.kind == Kind::kImages
          ? traces.pixels.data()
          : reinterpret_cast<const uint8_t*>(traces.cells.data());
  return {all + index * traces.length, static_cast<size_t>(traces.length)};
}

Hash HashOf(std::span<const uint8_t> row) {
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
    rows.emplace_back(HashOf(BytesOf(traces, i)), i);
  }
  std::sort(rows.begin(), rows.end());
  for (size_t begin = 0, end; begin < rows.size(); begin = end) {
    std::set<int64_t> labels, groups;
    int64_t trained = 0, tested = 0;
    for (end = begin; end < rows.size() && rows[end].first == rows[begin].first;
         ++end) {
      const int64_t row = rows[end].second;
      labels.insert(traces.labels[row]);
      if (!traces.groups.empty()) groups.insert(traces.groups[row]);
      if (traces.split.empty()) continue;
      trained += traces.split[row] == Side::kTrain;
      tested += traces.split[row] == Side::kTest;
    }
    report->repeated_traces += end - begin - 1;
    report->ambiguous_sets += labels.size() > 1;
    if (groups.size() > 1) report->repeated_across_groups += end - begin;
    if (trained > 0) report->repeated_across_split += tested;
  }
}

void AddWarnings(Report* report) {
  std::vector<std::string>& warnings = report->warnings;
  auto add = [&](int64_t count, const std::string& rest) {
    if (count > 0) warnings.push_back(std::to_string(count) + rest);
  };
  const std::string n = std::to_string(report->traces);
  const bool images = report->kind == Kind::kImages;
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
  add(report->repeated_across_split,
      " traces of the source's own test side are identical to one of its "
      "training side; remove them, or report the leak with the results");
  add(report->short_traces, " traces have fewer than " +
                                std::to_string(Report::kShortTrace) +
                                " cells; check whether these pages loaded");
  add(report->interior_zero_traces,
      " traces have a 0 before their last cell (kept); if these are cells at "
      "time 0, import the original with --format wflib");
  add(report->empty_dropped,
      " traces have no cell and were left out; record them again");
  add(report->starts_later,
      " traces do not begin at 0 s (kept); check that they were not cut at the "
      "front");
  add(report->times_going_back,
      " traces have times that go back (kept); check the recording");
  if (!images &&
      report->length_quantiles.front() != report->length_quantiles.back()) {
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
  report->kind = traces.kind;
  DescribeClasses(traces, report);
  DescribeSplit(traces, report);
  if (traces.kind == Kind::kTraces) {
    DescribeCells(traces, report);
    DescribeTimes(traces, report);
  }
  DescribeRepetition(traces, report);
  AddWarnings(report);
}

namespace {

// The facts that only some datasets have are left out of the others' JSON.
void AddOptionalFacts(const Report& report, Json* json) {
  if (!report.files.empty()) (*json)["files"] = report.files;
  if (report.has_split) {
    (*json)["split"] = {{"train", report.train},
                        {"validation", report.validation},
                        {"test", report.test},
                        {"repeated_across", report.repeated_across_split}};
  }
  if (report.unmonitored_label) {
    (*json)["unmonitored"] = {{"label", *report.unmonitored_label},
                              {"traces", report.unmonitored}};
  }
  if (report.timed) {
    (*json)["times"] = {{"starts_later", report.starts_later},
                        {"going_back", report.times_going_back},
                        {"longest_seconds", report.longest_seconds}};
  }
}

void AddCellFacts(const Report& report, Json* json) {
  Json quantiles = Json::object();
  for (size_t i = 0; i < Report::kQuantiles.size(); ++i) {
    quantiles[Number(Report::kQuantiles[i])] = report.length_quantiles[i];
  }
  json->update({{"padding", report.padding},
                {"length_quantiles", quantiles},
                {"capped_traces", report.capped_traces},
                {"short_traces", report.short_traces},
                {"starts_outgoing", report.starts_outgoing},
                {"starts_incoming", report.starts_incoming},
                {"empty_dropped", report.empty_dropped},
                {"interior_zero_traces", report.interior_zero_traces}});
}

std::string Text(int64_t value) { return std::to_string(value); }

std::string ClassText(const Report& report) {
  return Text(report.classes) + ", labels " + Text(report.smallest_label) +
         " to " + Text(report.largest_label) +
         (report.label_gaps ? " with " + Text(report.label_gaps) + " missing"
                            : "") +
         (report.class_names.empty() ? "" : ", named");
}

std::string CellLines(const Report& report) {
  std::string quantiles;
  for (size_t i = 0; i < Report::kQuantiles.size(); ++i) {
    quantiles += (i ? ", " : "") + Number(100 * Report::kQuantiles[i]) +
                 "%: " + Text(report.length_quantiles[i]);
  }
  std::string times = "none";
  if (report.timed) {
    times = "yes, up to " + Number(report.longest_seconds) +
            " s; the first cell is at 0 s in " +
            Percent(report.traces - report.starts_later, report.traces);
  }
  return Line("lengths", quantiles) + Line("padding", report.padding) +
         Line("first cell",
              "outgoing in " + Percent(report.starts_outgoing, report.traces) +
                  ", incoming in " +
                  Percent(report.starts_incoming, report.traces)) +
         Line("times", times);
}

std::string OptionalLines(const Report& report) {
  std::string lines;
  if (!report.files.empty()) {
    std::string names;
    for (const std::string& file : report.files) {
      names += (names.empty() ? "" : ", ") + file;
    }
    lines += Line("files", names);
  }
  if (report.has_split) {
    lines += Line("own split", Text(report.train) + " train, " +
                                   Text(report.validation) + " validation, " +
                                   Text(report.test) + " test");
  }
  if (report.unmonitored_label) {
    lines += Line("open world", Text(report.unmonitored) +
                                    " traces are unmonitored: label " +
                                    Text(*report.unmonitored_label));
  }
  return lines;
}

}  // namespace

Json ToJson(const Report& report) {
  Json names = Json::object();
  for (const auto& [label, name] : report.class_names) {
    names[std::to_string(label)] = name;
  }
  const bool images = report.kind == Kind::kImages;
  Json json = {{"kind", images ? "images" : "traces"},
               {"format", report.format},
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
               {"groups", report.groups},
               {"repeated_traces", report.repeated_traces},
               {"repeated_across_groups", report.repeated_across_groups},
               {"ambiguous_sets", report.ambiguous_sets},
               {"warnings", report.warnings}};
  if (!images) AddCellFacts(report, &json);
  AddOptionalFacts(report, &json);
  return json;
}

std::string FormatReport(const Report& report) {
  const bool images = report.kind == Kind::kImages;
  std::string out =
      Line("format", report.format) +
      Line(images ? "images" : "traces", Text(report.traces) + " rows of " +
                                             Text(report.length) +
                                             (images ? " pixels" : " cells")) +
      Line("classes", ClassText(report)) +
      Line("instances", "min " + Text(report.fewest_instances) + ", median " +
                            Number(report.median_instances) + ", max " +
                            Text(report.most_instances) + " a class") +
      (images ? "" : CellLines(report)) +
      Line("groups", report.groups ? Text(report.groups) : "none") +
      OptionalLines(report) +
      Line("identical",
           Text(report.repeated_traces) + (images ? " images; " : " traces; ") +
               Text(report.ambiguous_sets) + " sets with different labels");
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
