// An open world out of two sources: the known pages and all others.
#include <algorithm>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/source.h"

namespace dfsweep::data {
namespace {

// Rows of `width` become rows of `wider`, padded with 0.
template <typename T>
void Widen(int64_t count, int64_t width, int64_t wider,
           std::vector<T>* values) {
  if (width == wider || values->empty()) return;
  std::vector<T> rows(count * wider);
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(values->begin() + i * width, width, rows.begin() + i * wider);
  }
  *values = std::move(rows);
}

void WidenTo(int64_t length, Traces* traces) {
  Widen(traces->count, traces->length, length, &traces->cells);
  Widen(traces->count, traces->length, length, &traces->times);
  traces->length = length;
}

template <typename T>
void Append(const std::vector<T>& more, std::vector<T>* values) {
  values->insert(values->end(), more.begin(), more.end());
}

// `count` more values that are spread like those that are there.
template <typename T>
void AppendLike(int64_t count, std::vector<T>* values) {
  const auto present = static_cast<int64_t>(values->size());
  if (present == 0) return;
  for (int64_t i = 0; i < count; ++i) {
    const T value = (*values)[i * present / count];
    values->push_back(value);
  }
}

int64_t LabelFor(const Traces& traces, const ImportOptions& options,
                 const std::string& where) {
  if (options.unmonitored) return *options.unmonitored;
  if (traces.unmonitored) return *traces.unmonitored;
  const int64_t label =
      *std::max_element(traces.labels.begin(), traces.labels.end()) + 1;
  if (label <= kMaxLabel) return label;
  throw config::Error("the labels leave none for the unmonitored traces", where,
                      "number the classes from 0");
}

void CheckTogether(const Traces& traces, const Traces& more,
                   const std::string& where) {
  if (traces.kind != Kind::kTraces || more.kind != Kind::kTraces) {
    throw config::Error("images have no unmonitored traces", where,
                        "give two sources of traces");
  }
  const int64_t length = std::max(traces.length, more.length);
  if (traces.count + more.count > kMaxCells / length) {
    throw config::Error("the two sources have too many traces together", where,
                        "import fewer traces");
  }
}

}  // namespace

void AddUnmonitored(Source more, const ImportOptions& options,
                    const std::string& where, Source* source) {
  Traces& traces = source->traces;
  CheckTogether(traces, more.traces, where);
  const int64_t label = LabelFor(traces, options, where);
  if (traces.times.empty() != more.traces.times.empty()) {
    traces.times = more.traces.times = {};
    source->warnings.push_back(
        "only one of the two sources has times, so they were left out; give "
        "both with times to use them");
  }
  const int64_t length = std::max(traces.length, more.traces.length);
  WidenTo(length, &traces);
  WidenTo(length, &more.traces);
  AppendLike(more.traces.count, &traces.groups);
  AppendLike(more.traces.count, &traces.split);
  Append(more.traces.cells, &traces.cells);
  Append(more.traces.times, &traces.times);
  traces.labels.resize(traces.count + more.traces.count, label);
  traces.count += more.traces.count;
  traces.unmonitored = label;
  if (!source->class_names.empty()) {
    source->class_names[label] = "unmonitored";
  }
  source->description += "; unmonitored: " + more.description;
  Append(more.files, &source->files);
  for (const std::string& warning : more.warnings) {
    source->warnings.push_back("unmonitored: " + warning);
  }
}

}  // namespace dfsweep::data
