// A folder of Wang-style text traces as a source.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <tuple>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/source.h"

namespace dfsweep::data {
namespace {

namespace fs = std::filesystem;

constexpr char kUnmonitored[] = "unmonitored";

struct TraceFile {
  std::string site;  // class name
  int64_t instance;  // orders the traces of a site
  fs::path path;
};

// Whether all of `text` is a number ≥ 0.
bool ParseNumber(std::string_view text, int64_t* number) {
  const char* end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, *number);
  return result.ec == std::errc() && result.ptr == end && *number >= 0;
}

// `site-instance`, or `instance` alone for an unmonitored site; with or without
// `.cell`.
bool ParseName(const fs::path& path, TraceFile* file) {
  std::string name = path.filename().string();
  if (name.ends_with(".cell")) name.resize(name.size() - 5);
  file->path = path;
  size_t dash = name.rfind('-');
  if (dash == std::string::npos) {
    file->site = kUnmonitored;
    return ParseNumber(name, &file->instance);
  }
  file->site = name.substr(0, dash);
  return dash > 0 && dash <= kMaxClassNameBytes &&
         ParseNumber(std::string_view(name).substr(dash + 1), &file->instance);
}

void CheckClassName(const std::string& name, const fs::path& folder) {
  const bool control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (control || name.size() > kMaxClassNameBytes) {
    throw config::Error("a class name has a control character or is too long",
                        folder.string(),
                        "use at most " + std::to_string(kMaxClassNameBytes) +
                            " letters, digits, '.', '-' and '_'");
  }
}

struct Listing {
  std::vector<TraceFile> files;
  std::vector<std::string> unknown;  // names that are no trace
};

void AddEntry(const fs::directory_entry& entry, Listing* listing) {
  TraceFile file;
  if (entry.is_regular_file() && ParseName(entry.path(), &file)) {
    listing->files.push_back(std::move(file));
  } else {
    listing->unknown.push_back(entry.path().filename().string());
  }
  if (listing->files.size() + listing->unknown.size() > kMaxTextFiles) {
    throw config::Error(
        "the folder has more than " + std::to_string(kMaxTextFiles) + " files",
        entry.path().parent_path().string(), "import fewer traces at once");
  }
}

Listing List(const fs::path& folder) {
  Listing listing;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    AddEntry(entry, &listing);
  }
  std::sort(listing.unknown.begin(), listing.unknown.end());
  if (listing.files.empty()) {
    throw config::Error(
        "the folder has no text traces (files named site-instance)" +
            (listing.unknown.empty() ? std::string()
                                     : "; it has '" + listing.unknown[0] + "'"),
        folder.string(), "give the folder that holds the trace files itself");
  }
  for (const TraceFile& file : listing.files) {
    CheckClassName(file.site, folder);
  }
  return listing;
}

std::string ReadAll(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const auto size = fs::file_size(path);
  if (size > static_cast<uintmax_t>(kMaxTextFileBytes)) {
    throw config::Error("the trace has " + std::to_string(size) + " bytes",
                        path.string(), "leave this file out");
  }
  std::string text(size, '\0');
  stream.read(text.data(), size);
  if (!stream || stream.gcount() != static_cast<std::streamsize>(size)) {
    throw config::Error("can't read the trace", path.string(),
                        "check its permissions");
  }
  return text;
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
  return line->empty() || line->front() == ' ' || line->front() == '\t' ||
         line->front() == '\r';
}

// What the traces are found to be while they are read.
struct Findings {
  std::vector<int8_t> cells;  // of all traces, one after the other
  std::vector<int64_t> ends;  // of each trace, in cells
  double largest = 0;         // of |value|
  int64_t cut = 0;            // traces longer than options.max_length
  int64_t out_of_order = 0;   // traces with a time before the last one
};

void ReadTrace(const fs::path& path, int64_t max_length, Findings* found) {
  const std::string text = ReadAll(path);
  std::string_view rest = text;
  double last_time = 0;
  int64_t length = 0;
  bool falls = false;
  for (int64_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    double time = 0, value = 0;
    const bool good = TakeReal(&line, &time) && TakeReal(&line, &value) &&
                      line.find_first_not_of(" \t\r") == std::string_view::npos;
    if (!good || value == 0) {
      throw config::Error(
          "the line is not 'seconds<TAB>direction' with a finite time and a "
          "direction or signed size other than 0",
          path.string() + ":" + std::to_string(number),
          "correct or remove the file");
    }
    falls |= length > 0 && time < last_time;
    last_time = time;
    if (length++ >= max_length) continue;
    found->cells.push_back(value > 0 ? 1 : -1);
    found->largest = std::max(found->largest, std::abs(value));
  }
  found->cut += length > max_length;
  found->out_of_order += falls;
  found->ends.push_back(found->cells.size());
}

// Pads the ragged traces with 0 to the longest.
void FillRows(const Findings& found, const fs::path& folder, Traces* traces) {
  traces->count = found.ends.size();
  int64_t begin = 0;
  for (int64_t end : found.ends) {
    traces->length = std::max(traces->length, end - begin);
    begin = end;
  }
  if (traces->length > 0 && traces->count > kMaxCells / traces->length) {
    throw config::Error(std::to_string(traces->count) + " traces of up to " +
                            std::to_string(traces->length) +
                            " cells are too many",
                        folder.string(), "lower --max-length");
  }
  traces->cells.resize(traces->count * traces->length);
  begin = 0;
  for (int64_t i = 0; i < traces->count; ++i) {
    std::copy(found.cells.begin() + begin, found.cells.begin() + found.ends[i],
              traces->cells.begin() + i * traces->length);
    begin = found.ends[i];
  }
}

// Sites that are all numbers keep them as labels; others are numbered in sorted
// order. Unmonitored traces are the last class either way.
void LabelSites(const std::vector<TraceFile>& files, const fs::path& folder,
                Source* source) {
  std::vector<std::string> names;
  int64_t next = 0, label;
  bool numeric = true;
  for (const TraceFile& file : files) {
    names.push_back(file.site);
    if (file.site == kUnmonitored) continue;
    if (ParseNumber(file.site, &label)) {
      next = std::max(next, label < kMaxLabel ? label + 1 : kMaxLabel + 1);
    } else {
      numeric = false;
    }
  }
  if (!numeric) {
    source->traces.labels =
        NumberNames(names, kUnmonitored, &source->class_names);
    return;
  }
  if (next > kMaxLabel) {
    throw config::Error(
        "a site's number is too large for a label", folder.string(),
        "number the sites from 0, at most " + std::to_string(kMaxLabel - 1));
  }
  for (const std::string& name : names) {
    if (!ParseNumber(name, &label)) {
      label = next;
      source->class_names[next] = kUnmonitored;
    }
    source->traces.labels.push_back(label);
  }
}

void AddWarnings(const Listing& listing, const Findings& found,
                 const ImportOptions& options, Source* source) {
  auto add = [&](int64_t count, const std::string& rest) {
    if (count > 0) {
      source->warnings.push_back(std::to_string(count) + rest);
    }
  };
  add(listing.unknown.size(),
      " entries are no traces and were not read, e.g. '" +
          (listing.unknown.empty() ? "" : listing.unknown[0]) +
          "'; rename them to site-instance if they are");
  add(found.cut, " traces were cut after " +
                     std::to_string(options.max_length) +
                     " cells; use --max-length to keep more");
  add(found.out_of_order,
      " traces have times that go back, and were read in the order of their "
      "lines; check the recording");
  const int64_t unmonitored =
      std::count_if(listing.files.begin(), listing.files.end(),
                    [](const TraceFile& f) { return f.site == kUnmonitored; });
  add(unmonitored,
      " traces without a site are the class 'unmonitored', the last label; "
      "leave them out for a closed world");
}

}  // namespace

Source ReadTextFolder(const fs::path& path, const ImportOptions& options) {
  if (options.format != Format::kAuto && options.format != Format::kText) {
    throw config::Error("a folder can only hold text traces", path.string(),
                        "import with --format text or auto");
  }
  if (options.max_length < 1 || options.max_length > kMaxTraceLength) {
    throw config::Error(
        "the trace length is out of range", path.string(),
        "use --max-length 1 to " + std::to_string(kMaxTraceLength));
  }
  Listing listing = List(path);
  auto key = [](const TraceFile& file) {
    int64_t site = -1;  // names that are no numbers come first, by name
    ParseNumber(file.site, &site);
    return std::tuple(site, file.site, file.instance, file.path);
  };
  std::sort(
      listing.files.begin(), listing.files.end(),
      [&](const TraceFile& a, const TraceFile& b) { return key(a) < key(b); });
  Findings found;
  for (const TraceFile& file : listing.files) {
    ReadTrace(file.path, options.max_length, &found);
  }
  Source source;
  source.format = Format::kText;
  source.description =
      found.largest > 1
          ? "text traces of signed packet lengths, of which the sign is taken"
          : "text traces of directions";
  FillRows(found, path, &source.traces);
  LabelSites(listing.files, path, &source);
  AddWarnings(listing, found, options, &source);
  return source;
}

}  // namespace dfsweep::data
