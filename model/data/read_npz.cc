// An .npz as a source: X, labels, groups, and what X's numbers mean.
#include <algorithm>
#include <optional>

#include "model/config/error.h"
#include "model/data/images.h"
#include "model/data/limits.h"
#include "model/data/npz.h"
#include "model/data/npz_values.h"
#include "model/data/pickled_arrays.h"
#include "model/data/source.h"

namespace dfsweep::data {
namespace {

constexpr int64_t kChunkBytes = 4 << 20;

// Reads the rows of a 2-D array piece by piece.
template <typename T>
void ReadRows(NpzArray* array, CellRows* rows) {
  const int64_t count = array->header().shape[0];
  const int64_t length = array->header().shape[1];
  const int64_t rows_at_once =
      std::max<int64_t>(1, kChunkBytes / (length * sizeof(T)));
  std::vector<T> buffer(std::min(rows_at_once, count) * length);
  for (int64_t row = 0; row < count; row += rows_at_once) {
    const int64_t present = std::min(rows_at_once, count - row);
    array->Read(buffer.data(), present * length * sizeof(T));
    for (int64_t i = 0; i < present; ++i) {
      rows->AddNumbers(std::span<const T>(buffer).subspan(i * length, length));
    }
  }
  array->Finish();
}

void CheckShape(const NpzArray& array) {
  const std::vector<int64_t>& shape = array.header().shape;
  const bool column = shape.size() == 3 && shape[2] == 1;
  if (shape.size() != 2 && !column) {
    throw config::Error(
        "X has the shape " + ShapeText(shape) + ", not (traces, cells)",
        array.where(), "save one row a trace, padded with 0 at the end");
  }
  if (shape[0] < 1 || shape[1] < 1) {
    throw config::Error("X is empty: its shape is " + ShapeText(shape),
                        array.where(), "check how the file was written");
  }
  if (shape[0] > kMaxTraces || shape[1] > kMaxTraceLength ||
      shape[0] > kMaxCells / shape[1]) {
    throw config::Error(
        "X is too large: " + ShapeText(shape) + "; the limit is " +
            std::to_string(kMaxCells) + " cells",
        array.where(), "import fewer traces, or cut them: X[:, :5000]");
  }
}

// Returns the form, for the report.
std::string ReadX(NpzArray array, CellRows* rows) {
  const std::string& type = array.header().type;
  if (array.has_objects()) {
    const std::string pickle = array.ReadPickle();
    return "npz of a pickled " + AddPickledRows(pickle, array.where(), rows) +
           ", ";
  }
  CheckShape(array);
  rows->Reserve(array.header().shape[0],
                array.header().shape[0] * array.header().shape[1]);
  if (type == "|i1") {
    ReadRows<int8_t>(&array, rows);
  } else if (type == "<i2") {
    ReadRows<int16_t>(&array, rows);
  } else if (type == "<i4") {
    ReadRows<int32_t>(&array, rows);
  } else if (type == "<i8") {
    ReadRows<int64_t>(&array, rows);
  } else if (type == "<f4") {
    ReadRows<float>(&array, rows);
  } else if (type == "<f8") {
    ReadRows<double>(&array, rows);
  } else {
    throw config::Error("X has the type '" + type + "'", array.where(),
                        "save X as a signed integer or a float type, e.g. "
                        "X.astype('int8')");
  }
  return "npz of ";
}

// The first of the names that the file has, or "".
std::string Choose(const NpzFile& file, std::vector<std::string> names) {
  for (const std::string& name : names) {
    if (file.Has(name)) return name;
  }
  return "";
}

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + ("'" + name + "'");
  }
  return text.empty() ? "nothing" : text;
}

void WarnOfUnread(const NpzFile& file, const std::vector<std::string>& read,
                  Source* source) {
  std::vector<std::string> unread = file.others();
  for (const std::string& name : file.arrays()) {
    if (std::find(read.begin(), read.end(), name) == read.end()) {
      unread.push_back(name);
    }
  }
  if (!unread.empty()) {
    source->warnings.push_back("the file's members " + Join(unread) +
                               " were not read; only X, y and group (or data, "
                               "labels and run) have a meaning");
  }
}

// Numbers the labels where they are names.
void SetLabels(LabelList labels, Source* source) {
  source->traces.labels =
      labels.names.empty()
          ? std::move(labels.numbers)
          : NumberNames(labels.names, "", &source->class_names);
}

// The arrays that both forms of traces may have.
void ReadPerTrace(const NpzFile& file, const std::string& y, int64_t count,
                  std::vector<std::string>* read, Source* source) {
  if (y.empty()) {
    source->traces.labels.assign(count, 0);
  } else {
    SetLabels(ReadLabels(file.Open(y, Objects::kAllowed), count), source);
    read->push_back(y);
  }
  if (std::string group = Choose(file, {"group", "run"}); !group.empty()) {
    NpzArray groups = file.Open(group);
    CheckPerTrace(groups, count);
    source->traces.groups = ReadIntegers(&groups);
    read->push_back(group);
  }
}

// The name of the labels' array, "" if none are needed.
std::string LabelsOf(const NpzFile& file, const std::string& path,
                     const ImportOptions& options) {
  const std::string y = Choose(file, {"y", "labels"});
  if (!y.empty() || options.unlabelled) return y;
  throw config::Error(
      "the file has no labels (y); it has " + Join(file.arrays()), path,
      "save it with numpy.savez_compressed(file, X=X, y=y)");
}

// The members that only native files have.
void ReadNativeMembers(const NpzFile& file, std::vector<std::string>* read,
                       Source* source) {
  Traces& traces = source->traces;
  if (file.Has("split")) {
    NpzArray array = file.Open("split");
    CheckPerTrace(array, traces.count);
    for (int64_t side : ReadIntegers(&array)) {
      if (side < 0 || side > 2) {
        throw config::Error(
            "a side of the split is not 0 (train), 1 "
            "(validation) or 2 (test)",
            array.where(), "correct it, or leave split out");
      }
      traces.split.push_back(static_cast<Side>(side));
    }
    read->push_back("split");
  }
  if (file.Has("unmonitored")) {
    NpzArray array = file.Open("unmonitored");
    CheckPerTrace(array, 1);
    traces.unmonitored = ReadIntegers(&array).front();
    read->push_back("unmonitored");
  }
}

// time [n, length] beside directions X [n, length].
void ReadTimes(const NpzFile& file, const ImportOptions& options,
               std::vector<std::string>* read, Source* source) {
  Traces& traces = source->traces;
  if (!file.Has("time")) return;
  NpzArray array = file.Open("time");
  if (array.header().shape != std::vector{traces.count, traces.length}) {
    return;  // something else, which the warning names
  }
  read->push_back("time");
  if (!options.keep_times) return;
  CellRows rows(array.where(), true);
  std::vector<double> times;
  for (int64_t i = 0; i < traces.count; ++i) {
    ReadNumbers(&array, traces.length, &times);
    rows.AddTimed(
        std::span(traces.cells).subspan(i * traces.length, traces.length),
        times);
  }
  array.Finish();
  WarnOfRebased(rows, source);
  std::move(rows).Finish({}, &traces);
}

Source ReadMatrix(const NpzFile& file, const std::string& path,
                  const ImportOptions& options) {
  Source source;
  const std::string x = Choose(file, {"X", "data"});
  if (x.empty()) {
    throw config::Error("the file has no X; it has " + Join(file.arrays()),
                        path,
                        "save it with numpy.savez_compressed(file, X=X, y=y)");
  }
  const std::string y = LabelsOf(file, path, options);
  NpzArray array = file.Open(x, Objects::kAllowed);
  const std::string type = array.header().type;
  const std::string where = array.where();
  const bool reals = type[1] == 'f' || array.has_objects();
  CellRows rows(where, options.keep_times && reals);
  const std::string form = ReadX(std::move(array), &rows);
  source.format = FormatOf(rows.statistics(), options, where);
  source.description = form + Describe(source.format) + " (" + type + ")";
  std::vector<std::string> read = {x};
  ReadPerTrace(file, y, rows.count(), &read, &source);
  std::move(rows).Finish({}, &source.traces);
  if (source.format != Format::kTimed) source.traces.times = {};
  ReadNativeMembers(file, &read, &source);
  if (source.format == Format::kDirections) {
    ReadTimes(file, options, &read, &source);
  }
  WarnOfUnread(file, read, &source);
  return source;
}

// ---- Flat arrays: trace i is [offsets[i], offsets[i + 1]) ----

std::string DirectionsOf(const NpzFile& file) {
  return Choose(file, {"direction", "directions", "dir"});
}

bool IsFlat(const NpzFile& file) {
  return !DirectionsOf(file).empty() && file.Has("offsets");
}

// Checks that the offsets divide `total` cells into traces.
void CheckOffsets(const std::vector<int64_t>& offsets, int64_t total,
                  const std::string& where) {
  const bool divide = offsets.size() >= 2 && offsets.front() == 0 &&
                      offsets.back() == total &&
                      std::is_sorted(offsets.begin(), offsets.end());
  if (divide) return;
  throw config::Error("the offsets do not divide the " + std::to_string(total) +
                          " cells into traces",
                      where,
                      "save offsets[0] = 0, one more for the end of each "
                      "trace, and the number of cells at last");
}

std::vector<int8_t> ToDirections(const std::vector<double>& values,
                                 const std::string& where) {
  std::vector<int8_t> directions;
  directions.reserve(values.size());
  for (double value : values) {
    if (value != 1 && value != -1) {
      throw config::Error("a direction is not -1 or 1", where,
                          "save 1 for cells of the client, -1 for others, and "
                          "no padding");
    }
    directions.push_back(static_cast<int8_t>(value));
  }
  return directions;
}

// Both arrays are read side by side, a trace at a time.
void ReadFlatRows(NpzArray directions, NpzArray* times,
                  const std::vector<int64_t>& offsets, CellRows* rows) {
  std::vector<double> values;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const int64_t count = offsets[i + 1] - offsets[i];
    ReadNumbers(&directions, count, &values);
    const std::vector<int8_t> cells = ToDirections(values, directions.where());
    if (times == nullptr) {
      rows->AddNumbers(std::span<const int8_t>(cells));
      continue;
    }
    ReadNumbers(times, count, &values);
    rows->AddTimed(cells, values);
  }
  directions.Finish();
  if (times != nullptr) times->Finish();
}

Source ReadFlat(const NpzFile& file, const std::string& path,
                const ImportOptions& options) {
  Source source;
  const std::string y = LabelsOf(file, path, options), d = DirectionsOf(file);
  NpzArray directions = file.Open(d), ends = file.Open("offsets");
  const std::vector<int64_t> offsets = ReadIntegers(&ends);
  CheckOffsets(offsets, directions.header().Elements(), ends.where());
  std::vector<std::string> read = {d, "offsets"};
  std::optional<NpzArray> times;
  if (file.Has("time")) {
    times = file.Open("time");
    CheckPerTrace(*times, directions.header().Elements());
    read.push_back("time");
  }
  CellRows rows(path, options.keep_times && times);
  ReadFlatRows(std::move(directions), times ? &*times : nullptr, offsets,
               &rows);
  source.format = Format::kDirections;
  source.description =
      std::string("npz of flat directions") + (times ? " and times" : "");
  ReadPerTrace(file, y, rows.count(), &read, &source);
  WarnOfRebased(rows, &source);
  std::move(rows).Finish({}, &source.traces);
  WarnOfUnread(file, read, &source);
  return source;
}

}  // namespace

bool IsNpz(const std::filesystem::path& path) {
  return !NpzFile(path).arrays().empty();
}

Source ReadNpz(const std::filesystem::path& path,
               const ImportOptions& options) {
  if (options.format == Format::kText) {
    throw config::Error(
        "text traces come as a folder or an archive, and this "
        "is an .npz",
        path.string(), "give the folder, or --format auto");
  }
  NpzFile file(path);
  if (HasImages(file)) return ReadImages(file, path.string());
  if (options.format == Format::kImages) {
    throw config::Error(
        "the file has no images (x_train, y_train, x_test, y_test)",
        path.string(), "give MNIST's npz, or --format auto");
  }
  if (IsFlat(file)) return ReadFlat(file, path.string(), options);
  return ReadMatrix(file, path.string(), options);
}

}  // namespace dfsweep::data
