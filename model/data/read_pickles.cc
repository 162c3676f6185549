// Sets of pickles as DF and BigEnough have them: X_<part>_<variant>.pkl with
// y_<part>_<variant>.pkl, where the part is train, valid or test and the
// variant a defence (NoDef, WTFPAD, …) or whatever else tells sets apart.
#include <algorithm>
#include <cctype>
#include <set>
#include <tuple>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/mapped_file.h"
#include "model/data/pickled_arrays.h"
#include "model/data/source.h"

namespace dfsweep::data {
namespace {

namespace fs = std::filesystem;

constexpr char kNaming[] =
    "name the files X_train.pkl and y_train.pkl (and X_valid, X_test, …), in "
    "one folder";

struct SetFile {
  fs::path x, y;  // y is empty if there is none
  Side side = Side::kTrain;
  bool unmonitored = false;
  std::string variant;
};

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(c));
  return text;
}

bool IsPickle(const fs::path& path) {
  const std::string extension = Lower(path.extension().string());
  return extension == ".pkl" || extension == ".pickle";
}

// Takes a word of the file's name.
void TakeWord(const std::string& word, SetFile* file) {
  static const std::set<std::string> kValidation = {"valid", "val",
                                                    "validation"};
  static const std::set<std::string> kUnmonitored = {"unmon", "unmonitored"};
  // They say which experiment the authors made of the set.
  static const std::set<std::string> kSettings = {"mon", "monitored", "cw",
                                                  "ow"};
  const std::string lower = Lower(word);
  if (lower == "train") {
    file->side = Side::kTrain;
  } else if (lower == "test") {
    file->side = Side::kTest;
  } else if (kValidation.contains(lower)) {
    file->side = Side::kValidation;
  } else if (kUnmonitored.contains(lower)) {
    file->unmonitored = true;
  } else if (!kSettings.contains(lower)) {
    file->variant += (file->variant.empty() ? "" : "_") + word;
  }
}

// The file of labels beside `x`, or "".
fs::path LabelsBeside(const fs::path& x) {
  for (char letter : {'y', 'Y'}) {
    std::string name = x.filename().string();
    name[0] = letter;
    if (fs::is_regular_file(x.parent_path() / name)) {
      return x.parent_path() / name;
    }
  }
  return {};
}

// False if the name is not X_….pkl.
bool ParseSetFile(const fs::path& path, SetFile* file) {
  const std::string stem = path.stem().string();
  if (!IsPickle(path) || !Lower(stem).starts_with("x_")) return false;
  file->x = path;
  file->y = LabelsBeside(path);
  for (size_t begin = 2; begin <= stem.size();) {
    const size_t end = std::min(stem.find('_', begin), stem.size());
    if (end > begin) TakeWord(stem.substr(begin, end - begin), file);
    begin = end + 1;
  }
  return true;
}

std::vector<SetFile> ListSetFiles(const fs::path& folder) {
  std::vector<SetFile> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    SetFile file;
    if (entry.is_regular_file() && ParseSetFile(entry.path(), &file)) {
      files.push_back(std::move(file));
    }
  }
  auto key = [](const SetFile& file) {
    return std::tuple(file.side, file.unmonitored, file.x);
  };
  std::sort(files.begin(), files.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return files;
}

// The variant of the file that the user named.
std::string VariantOf(const fs::path& path) {
  std::string name = path.filename().string();
  if (Lower(name).starts_with("y_")) name[0] = 'X';
  SetFile file;
  if (!ParseSetFile(path.parent_path() / name, &file)) {
    throw config::Error(
        "the name does not say what the pickle is and which "
        "labels belong to it",
        path.string(), kNaming);
  }
  return file.variant;
}

// The variant of all files of the folder.
std::string OnlyVariant(const std::vector<SetFile>& files,
                        const fs::path& folder) {
  std::set<std::string> variants;
  for (const SetFile& file : files) variants.insert(file.variant);
  if (variants.size() <= 1) return files.empty() ? "" : files[0].variant;
  std::string names;
  for (const std::string& variant : variants) {
    names += (names.empty() ? "" : ", ") +
             (variant.empty() ? "one without a name" : variant);
  }
  throw config::Error(
      "the folder has several sets: " + names, folder.string(),
      "give a file of the one you want, e.g. " + files[0].x.string());
}

void CheckSet(const std::vector<SetFile>& files, const fs::path& path,
              const ImportOptions& options) {
  std::set<std::pair<Side, bool>> parts;
  bool monitored = false;
  for (const SetFile& file : files) {
    if (!parts.emplace(file.side, file.unmonitored).second) {
      throw config::Error("two files claim to be the same part of the set",
                          file.x.string(),
                          "move one of them to another folder");
    }
    if (file.y.empty() && !file.unmonitored && !options.unlabelled) {
      throw config::Error("there is no file of labels (y_…) beside it",
                          file.x.string(), kNaming);
    }
    monitored |= !file.unmonitored;
  }
  if (!monitored && !options.unlabelled) {
    throw config::Error(
        "there are only unmonitored traces, and no X_….pkl "
        "with labels",
        path.string(), kNaming);
  }
}

std::vector<SetFile> FindSet(const fs::path& path,
                             const ImportOptions& options) {
  const bool is_folder = fs::is_directory(path);
  const fs::path folder = is_folder                    ? path
                          : path.parent_path().empty() ? fs::path(".")
                                                       : path.parent_path();
  std::vector<SetFile> files = ListSetFiles(folder);
  const std::string variant =
      is_folder ? OnlyVariant(files, folder) : VariantOf(path);
  std::erase_if(files,
                [&](const SetFile& file) { return file.variant != variant; });
  CheckSet(files, path, options);
  return files;
}

// What the files have together.
struct Parts {
  std::vector<Side> sides;
  std::vector<bool> unmonitored;  // traces of an X_…Unmon file
  LabelList labels;               // of the others and, where given, of those
  std::vector<bool> labelled;
};

std::string ReadPart(const SetFile& file, CellRows* rows, Parts* parts,
                     Source* source) {
  const int64_t before = rows->count();
  rows->set_where(file.x.string());
  const std::string form =
      AddPickledRows(MappedFile(file.x).bytes(), file.x.string(), rows);
  const int64_t count = rows->count() - before;
  parts->sides.insert(parts->sides.end(), count, file.side);
  parts->unmonitored.insert(parts->unmonitored.end(), count, file.unmonitored);
  parts->labelled.insert(parts->labelled.end(), count, !file.y.empty());
  source->files.push_back(file.x.filename().string());
  if (file.y.empty()) return form;
  LabelList labels =
      ReadPickledLabels(MappedFile(file.y).bytes(), file.y.string());
  CheckLabels(labels, count, file.y.string());
  auto append = [](auto& from, auto* to) {
    to->insert(to->end(), from.begin(), from.end());
  };
  append(labels.numbers, &parts->labels.numbers);
  append(labels.names, &parts->labels.names);
  source->files.push_back(file.y.filename().string());
  return form;
}

// Labels of the traces that have one, as numbers.
std::vector<int64_t> Numbered(const Parts& parts, const fs::path& path,
                              Source* source) {
  if (parts.labels.names.empty()) return parts.labels.numbers;
  if (parts.labels.numbers.empty()) {
    return NumberNames(parts.labels.names, "", &source->class_names);
  }
  throw config::Error("some labels are numbers and some are names",
                      path.string(), "use one kind in all files");
}

// The label of unmonitored traces: that of their own file if it has one and no
// other, else the one after all others.
int64_t UnmonitoredLabel(const Parts& parts,
                         const std::vector<int64_t>& numbers,
                         const ImportOptions& options, const fs::path& path,
                         Source* source) {
  std::set<int64_t> own, others;
  auto next = numbers.begin();
  for (size_t i = 0; i < parts.labelled.size(); ++i) {
    if (!parts.labelled[i]) continue;
    (parts.unmonitored[i] ? own : others).insert(*next++);
  }
  if (options.unmonitored) return *options.unmonitored;
  if (own.size() == 1) return *own.begin();
  if (own.size() > 1) {
    source->warnings.push_back(
        "the labels of the unmonitored traces, " + std::to_string(own.size()) +
        " different ones, were not kept; import them as a closed world of "
        "their own to use them");
  }
  const int64_t label = others.empty() ? 0 : *others.rbegin() + 1;
  if (label > kMaxLabel) {
    throw config::Error("the labels leave none for the unmonitored traces",
                        path.string(), "number the classes from 0");
  }
  return label;
}

void LabelTraces(const Parts& parts, const ImportOptions& options,
                 const fs::path& path, Source* source) {
  const std::vector<int64_t> numbers = Numbered(parts, path, source);
  const bool any = std::find(parts.unmonitored.begin(), parts.unmonitored.end(),
                             true) != parts.unmonitored.end();
  if (any) {
    source->traces.unmonitored =
        UnmonitoredLabel(parts, numbers, options, path, source);
  }
  auto next = numbers.begin();
  for (size_t i = 0; i < parts.labelled.size(); ++i) {
    const int64_t own = parts.labelled[i] ? *next++ : 0;
    source->traces.labels.push_back(
        parts.unmonitored[i] ? *source->traces.unmonitored : own);
  }
}

// The source's own split means something if monitored traces are on both of
// its sides. (BigEnough has all of them in one X_train.)
void KeepSplit(const Parts& parts, Source* source) {
  std::set<Side> monitored, all(parts.sides.begin(), parts.sides.end());
  for (size_t i = 0; i < parts.sides.size(); ++i) {
    if (!parts.unmonitored[i]) monitored.insert(parts.sides[i]);
  }
  if (monitored.contains(Side::kTrain) && monitored.contains(Side::kTest)) {
    source->traces.split = parts.sides;
  } else if (all.size() > 1) {
    source->warnings.push_back(
        "the files are no split into training and test that could be kept; "
        "put X_train and X_test into one folder to keep theirs");
  }
}

}  // namespace

bool IsPickleSet(const fs::path& path) {
  if (!fs::is_directory(path)) return IsPickle(path);
  SetFile file;
  return std::any_of(fs::directory_iterator(path), fs::directory_iterator(),
                     [&](const fs::directory_entry& entry) {
                       return ParseSetFile(entry.path(), &file);
                     });
}

Source ReadPickles(const fs::path& path, const ImportOptions& options) {
  if (options.format == Format::kImages) {
    throw config::Error("pickles of images are not read", path.string(),
                        "give MNIST's npz or IDX files");
  }
  Source source;
  CellRows rows(path.string(), options.keep_times);
  Parts parts;
  std::string form;
  for (const SetFile& file : FindSet(path, options)) {
    form = ReadPart(file, &rows, &parts, &source);
  }
  source.format = FormatOf(rows.statistics(), options, path.string());
  source.description = "pickled " + form + " of " + Describe(source.format);
  LabelTraces(parts, options, path, &source);
  KeepSplit(parts, &source);
  std::move(rows).Finish({}, &source.traces);
  return source;
}

}  // namespace dfsweep::data
