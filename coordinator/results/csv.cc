#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "coordinator/results/formats.h"

namespace dfsweep::coordinator {
namespace {

// A plain number with at most one sign: digits first, so not "-inf" or "-nan",
// which a spreadsheet would look up as names.
bool IsNumber(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() ||
      !(std::isdigit(static_cast<unsigned char>(text[0])) || text[0] == '.')) {
    return false;
  }
  double value;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsFormula(std::string_view text) {
  constexpr std::string_view kStarts = "=+-@\t\r\n";
  return !text.empty() && kStarts.find(text[0]) != kStarts.npos &&
         !IsNumber(text);
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string Number(std::optional<double> value) {
  return value.has_value() ? fmt::format("{}", *value) : "";
}

std::string Value(const Json* value) {
  if (value == nullptr) return "";
  return value->is_string()         ? value->get<std::string>()
         : value->is_number_float() ? Number(value->get<double>())
                                    : value->dump();
}

std::string EnvironmentText(const ResultRow& row, const char* key) {
  auto found = row.environment->find(key);
  return found == row.environment->end() ? "" : Value(&*found);
}

class Writer {
 public:
  void Add(std::string_view text) {
    if (!line_start_) text_ += ',';
    line_start_ = false;
    if (IsFormula(text)) {
      AddSafe("'" + std::string(text));
    } else {
      AddSafe(text);
    }
  }
  void EndLine() {
    text_ += "\r\n";
    line_start_ = true;
  }
  std::string Take() { return std::move(text_); }

 private:
  void AddSafe(std::string_view text) {
    // find_first_of searches its list anew for each character.
    const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
      return c != '"' && c != ',' && c != '\r' && c != '\n';
    });
    if (is_plain) {
      text_ += text;
    } else {
      text_ += Quoted(text);
    }
  }

  std::string text_;
  bool line_start_ = true;
};

void AddTrial(const View& view, const Group& group, Writer& writer) {
  const ResultRow& row = *group.rows.front();
  writer.Add(row.trial_id);
  writer.Add(row.sweep);
  writer.Add(row.status);
  writer.Add(std::to_string(row.seed));
  writer.Add(std::to_string(row.attempt));
  for (const Json* value : group.parameters) writer.Add(Value(value));
  for (size_t m = 0; m < view.metrics.size(); ++m) {
    const Summary& summary = group.metrics[m];
    writer.Add(summary.n > 0 ? Number(summary.mean) : "");
  }
  writer.Add(row.worker);
  for (const char* key : {"device", "torch", "build"}) {
    writer.Add(EnvironmentText(row, key));
  }
  writer.Add(row.dataset.name);
  writer.Add(row.dataset.digest);
  writer.Add(row.started_at);
  writer.Add(row.finished_at);
  writer.Add(row.message);
}

void AddConfiguration(const Group& group, Writer& writer) {
  for (const Json* value : group.parameters) writer.Add(Value(value));
  for (int64_t count :
       {group.counts.completed, group.counts.diverged, group.counts.failed,
        group.counts.cancelled, group.counts.pruned, group.counts.open}) {
    writer.Add(std::to_string(count));
  }
  writer.Add(group.odd_provenance ? "true" : "false");
  for (const Summary& summary : group.metrics) {
    bool any = summary.n > 0;
    bool interval = summary.half_width.has_value();
    writer.Add(any ? Number(summary.mean) : "");
    writer.Add(Number(summary.sd));
    writer.Add(interval ? Number(summary.mean - *summary.half_width) : "");
    writer.Add(interval ? Number(summary.mean + *summary.half_width) : "");
  }
}

void AddHeader(const View& view, Writer& writer) {
  if (view.trials) {
    for (const char* name :
         {"trial_id", "sweep", "status", "seed", "attempt"}) {
      writer.Add(name);
    }
    for (const std::string& name : view.parameters) writer.Add(name);
    for (const std::string& name : view.metrics) writer.Add(name);
    for (const char* name :
         {"worker", "device", "torch", "build", "dataset_name",
          "dataset_digest", "started_at", "finished_at", "message"}) {
      writer.Add(name);
    }
    return;
  }
  for (const std::string& name : view.parameters) writer.Add(name);
  for (const char* name : {"n", "diverged", "failed", "cancelled", "pruned",
                           "open", "mixed_provenance"}) {
    writer.Add(name);
  }
  for (const std::string& name : view.metrics) {
    for (const char* part : {"mean", "sd", "ci95_low", "ci95_high"}) {
      writer.Add(name + "_" + part);
    }
  }
}

}  // namespace

std::string ToCsv(const View& view) {
  Writer writer;
  AddHeader(view, writer);
  writer.EndLine();
  for (const Group& group : view.groups) {
    if (view.trials) {
      AddTrial(view, group, writer);
    } else {
      AddConfiguration(group, writer);
    }
    writer.EndLine();
  }
  return writer.Take();
}

}  // namespace dfsweep::coordinator
