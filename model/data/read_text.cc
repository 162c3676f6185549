// Text traces as a source: Wang's `seconds<TAB>direction` lines, and the
// `nanoseconds,s|r,size` logs of BigEnough and maybenot, in a folder or an
// archive.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <tuple>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/source.h"
#include "model/data/trace_files.h"
#include "model/data/utf8.h"

namespace dfsweep::data {
namespace {

namespace fs = std::filesystem;

constexpr char kUnmonitored[] = "unmonitored";

struct TraceFile {
  std::string site;      // class name
  int64_t subpage = -1;  // of logs; -1 where the name has none
  int64_t instance = 0;  // orders the traces of a site
  std::string path;      // in the source
};

// Whether all of `text` is a number ≥ 0.
bool ParseNumber(std::string_view text, int64_t* number) {
  const char* end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, *number);
  return result.ec == std::errc() && result.ptr == end && *number >= 0;
}

// "0012" is site 12.
std::string WithoutZeros(const std::string& number) {
  const size_t first = number.find_first_not_of('0');
  return first == std::string::npos ? "0" : number.substr(first);
}

// CCCC-SSSS-IIII: class, subpage, sample.
bool ParseLogName(const std::string& name, TraceFile* file) {
  const size_t first = name.find('-'), last = name.rfind('-');
  int64_t site = 0;
  if (first == last || !ParseNumber(name.substr(0, first), &site) ||
      !ParseNumber(name.substr(first + 1, last - first - 1), &file->subpage) ||
      !ParseNumber(name.substr(last + 1), &file->instance)) {
    file->subpage = -1;
    return false;
  }
  file->site = WithoutZeros(name.substr(0, first));
  return true;
}

// `site-instance`, or `instance` alone for an unmonitored site; with or without
// `.cell` or `.log`. Logs also have CCCC-SSSS-IIII.
bool ParseName(const std::string& path, TraceFile* file) {
  std::string name = BaseName(path);
  const bool log = name.ends_with(".log");
  if (log) name.resize(name.size() - 4);
  if (name.ends_with(".cell")) name.resize(name.size() - 5);
  file->path = path;
  if (name.starts_with('.')) return false;  // hidden: not a trace
  if (log && ParseLogName(name, file)) return true;
  size_t dash = name.rfind('-');
  if (dash == std::string::npos) {
    file->site = kUnmonitored;
    return ParseNumber(name, &file->instance);
  }
  file->site = name.substr(0, dash);
  return dash > 0 && dash <= kMaxClassNameBytes &&
         ParseNumber(std::string_view(name).substr(dash + 1), &file->instance);
}

// Takes a finite number off the front of `line`.
bool TakeReal(std::string_view* line, double* value) {
  size_t start = line->find_first_not_of(" \t");
  if (start == std::string_view::npos) return false;
  line->remove_prefix(start);
  if (line->starts_with('+')) line->remove_prefix(1);
  auto result =
      std::from_chars(line->data(), line->data() + line->size(), *value);
  if (result.ec != std::errc() || !std::isfinite(*value)) return false;
  line->remove_prefix(result.ptr - line->data());
  return true;
}

bool AtEndOfWord(std::string_view line) {
  return line.empty() || line.front() == ' ' || line.front() == '\t' ||
         line.front() == '\r';
}

bool IsBlank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// seconds<TAB>direction or signed size
bool ParseCell(std::string_view line, double* seconds, double* value) {
  return TakeReal(&line, seconds) && AtEndOfWord(line) &&
         TakeReal(&line, value) && IsBlank(line) && *value != 0;
}

// nanoseconds,s|r,size: s is what the client sends
bool ParseLogCell(std::string_view line, double* seconds, double* value) {
  int64_t nanoseconds = 0;
  const char* end = line.data() + line.size();
  auto result = std::from_chars(line.data(), end, nanoseconds);
  if (result.ec != std::errc()) return false;
  line.remove_prefix(result.ptr - line.data());
  const bool sent = line.starts_with(",s,");
  if (!sent && !line.starts_with(",r,")) return false;
  line.remove_prefix(3);
  if (!TakeReal(&line, value) || !IsBlank(line) || *value <= 0) return false;
  *seconds = static_cast<double>(nanoseconds) / 1e9;
  if (!sent) *value = -*value;
  return true;
}

// Takes the traces as they come, and remembers what they are.
class TextReader {
 public:
  TextReader(const fs::path& path, const ImportOptions& options)
      : path_(path),
        options_(options),
        rows_(path.string(), options.keep_times) {}

  void ReadAll() {
    FileVisitor visitor;
    visitor.wants = [&](const std::string& path) { return Wants(path); };
    visitor.take = [&](const std::string& path, const std::string& where,
                       std::string_view text) {
      TraceFile file;
      ParseName(path, &file);
      CheckClassName(file.site, where);
      files_.push_back(std::move(file));
      ReadTrace(text, where);
    };
    ForEachFile(path_, visitor);
    if (!files_.empty()) return;
    throw config::Error(
        "there are no text traces in it (files named site-instance)" +
            (unknown_ == 0 ? std::string()
                           : "; it has '" + first_unknown_ + "'"),
        path_.string(), "give the folder that holds the trace files itself");
  }

  Source Finish() &&;

 private:
  bool Wants(const std::string& path) {
    TraceFile file;
    if (ParseName(path, &file)) return true;
    if (unknown_++ == 0) first_unknown_ = path;
    return false;
  }

  static void CheckClassName(const std::string& name,
                             const std::string& where) {
    if (IsClassName(name)) return;
    throw config::Error("a class name has a control character or is too long",
                        where,
                        "use at most " + std::to_string(kMaxClassNameBytes) +
                            " letters, digits, '.', '-' and '_'");
  }

  void ReadTrace(std::string_view text, const std::string& where);
  std::vector<int64_t> SortedOrder() const;
  void LabelSites(Source* source) const;
  void AddWarnings(Source* source) const;

  const fs::path path_;
  const ImportOptions& options_;
  CellRows rows_;
  std::vector<TraceFile> files_;  // of each row
  int64_t unknown_ = 0;           // entries that are no traces
  std::string first_unknown_;
  double largest_ = 0;        // |value| of a cell
  bool logs_ = false;         // a line of a log was seen
  int64_t cut_ = 0;           // traces longer than options.max_length
  int64_t out_of_order_ = 0;  // traces with a time before the last one
  std::vector<int8_t> cells_;
  std::vector<double> times_;
};

void TextReader::ReadTrace(std::string_view text, const std::string& where) {
  cells_.clear();
  times_.clear();
  double last = 0;
  int64_t length = 0;
  bool falls = false;
  for (int64_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (IsBlank(line)) continue;
    double time = 0, value = 0;
    const bool log = line.find(',') != std::string_view::npos;
    logs_ |= log;
    if (!(log ? ParseLogCell(line, &time, &value)
              : ParseCell(line, &time, &value))) {
      throw config::Error(
          "the line is neither 'seconds<TAB>direction' with a finite time and "
          "a direction or signed size other than 0, nor 'nanoseconds,s|r,size'",
          where + ":" + std::to_string(number), "correct or remove the file");
    }
    falls |= length > 0 && time < last;
    last = time;
    if (length++ >= options_.max_length) continue;
    cells_.push_back(value > 0 ? 1 : -1);
    times_.push_back(time);
    largest_ = std::max(largest_, std::abs(value));
  }
  cut_ += length > options_.max_length;
  out_of_order_ += falls;
  rows_.set_where(where);
  rows_.AddTimed(cells_, times_);
}

// By site (numbers by their value), instance and path, whatever the order in
// which the source has them.
std::vector<int64_t> TextReader::SortedOrder() const {
  auto key = [](const TraceFile& file) {
    int64_t site = -1;  // names that are no numbers come first, by name
    ParseNumber(file.site, &site);
    return std::tuple(site, file.site, file.subpage, file.instance, file.path);
  };
  std::vector<int64_t> order(files_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return key(files_[a]) < key(files_[b]);
  });
  return order;
}

// Sites that are all numbers keep them as labels; others are numbered in sorted
// order. Unmonitored traces are the last class either way.
void TextReader::LabelSites(Source* source) const {
  std::vector<std::string> names;
  int64_t next = 0, label = 0;
  bool numeric = true, unmonitored = false;
  for (const TraceFile& file : files_) {
    names.push_back(file.site);
    if (file.site == kUnmonitored) {
      unmonitored = true;
    } else if (ParseNumber(file.site, &label)) {
      next = std::max(next, label < kMaxLabel ? label + 1 : kMaxLabel + 1);
    } else {
      numeric = false;
    }
  }
  std::vector<int64_t>& labels = source->traces.labels;
  if (!numeric) {
    labels = NumberNames(names, kUnmonitored, &source->class_names);
    next = static_cast<int64_t>(source->class_names.size()) - 1;
  } else if (next > kMaxLabel) {
    throw config::Error(
        "a site's number is too large for a label", path_.string(),
        "number the sites from 0, at most " + std::to_string(kMaxLabel - 1));
  } else {
    for (const std::string& name : names) {
      labels.push_back(ParseNumber(name, &label) ? label : next);
    }
    if (unmonitored) source->class_names[next] = kUnmonitored;
  }
  if (unmonitored) source->traces.unmonitored = next;
}

void TextReader::AddWarnings(Source* source) const {
  auto add = [&](int64_t count, const std::string& rest) {
    if (count > 0) {
      source->warnings.push_back(std::to_string(count) + rest);
    }
  };
  add(unknown_, " entries are no traces and were not read, e.g. '" +
                    first_unknown_ +
                    "'; rename them to site-instance if they are");
  add(cut_, " traces were cut after " + std::to_string(options_.max_length) +
                " cells; use --max-length to keep more");
  add(out_of_order_,
      " traces have times that go back, and were read in the order of their "
      "lines; check the recording");
  const int64_t unmonitored =
      std::count_if(files_.begin(), files_.end(),
                    [](const TraceFile& f) { return f.site == kUnmonitored; });
  add(unmonitored,
      " traces without a site are the class 'unmonitored', the last label; "
      "leave them out for a closed world");
}

Source TextReader::Finish() && {
  Source source;
  source.format = Format::kText;
  source.description =
      std::string(logs_ ? "logs" : "text traces") +
      (largest_ > 1 ? " of signed packet lengths, of which the sign is taken"
                    : " of directions");
  const std::vector<int64_t> order = SortedOrder();
  std::vector<TraceFile> sorted;
  sorted.reserve(order.size());
  for (int64_t row : order) sorted.push_back(std::move(files_[row]));
  files_ = std::move(sorted);
  LabelSites(&source);
  // Subpages: a split by group tests on pages that were not trained on.
  const bool pages =
      std::all_of(files_.begin(), files_.end(),
                  [](const TraceFile& file) { return file.subpage >= 0; });
  for (const TraceFile& file : files_) {
    if (pages) source.traces.groups.push_back(file.subpage);
  }
  AddWarnings(&source);
  WarnOfRebased(rows_, &source);
  std::move(rows_).Finish(order, &source.traces);
  return source;
}

}  // namespace

Source ReadText(const fs::path& path, const ImportOptions& options) {
  if (options.format != Format::kAuto && options.format != Format::kText) {
    throw config::Error("a folder or an archive can only hold text traces",
                        path.string(), "import with --format text or auto");
  }
  if (options.max_length < 1 || options.max_length > kMaxTraceLength) {
    throw config::Error(
        "the trace length is out of range", path.string(),
        "use --max-length 1 to " + std::to_string(kMaxTraceLength));
  }
  TextReader reader(path, options);
  reader.ReadAll();
  return std::move(reader).Finish();
}

}  // namespace dfsweep::data
