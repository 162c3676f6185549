#include "model/train/split.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "model/protocol/protocol.h"
#include "model/train/failure.h"
#include "model/train/random.h"

namespace dfsweep::model {
namespace {

using config::Configuration;

enum class Side { kTrain, kValidation, kTest };

// A row as the network sees it: its values, and its times where it sees those.
using SeenRow = std::pair<std::string_view, std::string_view>;

struct SeenRowHash {
  size_t operator()(const SeenRow& row) const {
    const std::hash<std::string_view> hash;
    return hash(row.first) * 31 + hash(row.second);
  }
};

// Rows cut to what the network sees. (Padding is the same for every row.) Views
// of the dataset: copies of all of them would double its memory.
class SeenRows {
 public:
  SeenRows(const data::Dataset& dataset, const Configuration& config)
      : dataset_(dataset), width_(dataset.length()), count_(width_) {
    if (dataset.kind() == data::Kind::kImages) return;
    count_ = std::min(width_, config.Integer("sequence_length"));
    with_times_ = config.Choice("data.representation") == "timed";
  }

  SeenRow operator()(int64_t row) const {
    if (dataset_.kind() == data::Kind::kImages) {
      return {Bytes(dataset_.pixels(), row), {}};
    }
    return {Bytes(dataset_.cells(), row),
            with_times_ ? Bytes(dataset_.times(), row) : std::string_view()};
  }

 private:
  template <typename T>
  std::string_view Bytes(std::span<const T> values, int64_t row) const {
    auto part = values.subspan(row * width_, count_);
    return {reinterpret_cast<const char*>(part.data()), part.size_bytes()};
  }

  const data::Dataset& dataset_;
  int64_t width_;
  int64_t count_;
  bool with_times_ = false;
};

// The monitored ones, in the order in which they are dealt to tasks.
std::vector<int64_t> ClassesInOrder(const data::Dataset& dataset,
                                    const Configuration& config,
                                    uint64_t seed) {
  std::vector<int64_t> classes = dataset.classes();
  if (auto unmonitored = dataset.unmonitored()) {
    std::erase(classes, *unmonitored);
  }
  if (config.Choice("tasks.class_order") == "shuffled") {
    Stream(seed, Purpose::kClassOrder).Shuffle(classes);
  }
  return classes;
}

std::vector<std::vector<int64_t>> ExplicitTasks(const data::Dataset& dataset,
                                                const Configuration& config) {
  const std::vector<int64_t>& classes = dataset.classes();
  std::vector<std::vector<int64_t>> tasks;
  for (const std::string& set : config.LabelSets("tasks.labels")) {
    tasks.push_back(config::ParseLabels(set));
    for (int64_t label : tasks.back()) {
      if (std::binary_search(classes.begin(), classes.end(), label)) continue;
      throw config::Error("'tasks.labels' names label " +
                              std::to_string(label) +
                              ", which the dataset doesn't have",
                          "", "name labels that `dfsweep data show` lists");
    }
  }
  return tasks;
}

// How many of `total` classes each task gets.
std::vector<int64_t> TaskSizes(const Configuration& config, int64_t total) {
  const int64_t count = config.Integer("tasks.count");
  std::vector<int64_t> sizes;
  for (int64_t task = 0; task < count; ++task) {
    if (config.Choice("tasks.split") == "equal") {
      sizes.push_back(total / count + (task < total % count ? 1 : 0));
    } else {
      sizes.push_back(config.Integer(task == 0 ? "tasks.first" : "tasks.step"));
    }
  }
  return sizes;
}

std::vector<std::vector<int64_t>> TaskLabels(const data::Dataset& dataset,
                                             const Configuration& config,
                                             uint64_t seed) {
  if (config.Choice("tasks.split") == "labels") {
    return ExplicitTasks(dataset, config);
  }
  const std::vector<int64_t> classes = ClassesInOrder(dataset, config, seed);
  const auto total = static_cast<int64_t>(classes.size());
  const std::vector<int64_t> sizes = TaskSizes(config, total);
  const int64_t wanted =
      std::max(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}),
               static_cast<int64_t>(sizes.size()));
  if (wanted > total) {
    throw config::Error("the tasks need " + std::to_string(wanted) +
                            " classes, but the dataset has only " +
                            std::to_string(total),
                        "", "ask for fewer or smaller tasks (tasks.*)");
  }
  std::vector<std::vector<int64_t>> tasks;
  auto next = classes.begin();
  for (int64_t size : sizes) {
    tasks.emplace_back(next, next + size);
    next += size;
  }
  // What stands for no known page is learned from the beginning.
  if (auto label = dataset.unmonitored()) tasks[0].push_back(*label);
  return tasks;
}

// All rows, or one of each group of identical ones (its first), and none of a
// group whose labels differ.
std::vector<int64_t> UsableRows(const data::Dataset& dataset,
                                const Configuration& config) {
  std::vector<int64_t> rows;
  if (config.Choice("data.duplicates") == "keep") {
    for (int64_t row = 0; row < dataset.size(); ++row) rows.push_back(row);
    return rows;
  }
  const SeenRows seen(dataset, config);
  std::unordered_map<SeenRow, int64_t, SeenRowHash> first;
  std::set<int64_t> conflicting;  // first rows of groups
  for (int64_t row = 0; row < dataset.size(); ++row) {
    auto [found, is_new] = first.emplace(seen(row), row);
    if (is_new) {
      rows.push_back(row);
    } else if (dataset.labels()[found->second] != dataset.labels()[row]) {
      conflicting.insert(found->second);
    }
  }
  std::erase_if(rows, [&](int64_t row) { return conflicting.contains(row); });
  return rows;
}

// Sides for `count` shuffled things: the first are for testing, the next for
// validation. At least one for each that is asked for.
std::vector<Side> Sides(int64_t count, const Configuration& config) {
  auto share = [&](const char* name) -> int64_t {
    double fraction = config.Real(name);
    if (fraction == 0) return 0;
    return std::max<int64_t>(1, std::llround(fraction * count));
  };
  int64_t test =
      config.Has("data.test_fraction") ? share("data.test_fraction") : 0;
  int64_t validation = share("data.validation_fraction");
  std::vector<Side> sides(count, Side::kTrain);
  for (int64_t i = 0; i < std::min(count, test + validation); ++i) {
    sides[i] = i < test ? Side::kTest : Side::kValidation;
  }
  return sides;
}

// The side of each group of the dataset.
std::map<int64_t, Side> GroupSides(const data::Dataset& dataset,
                                   const Configuration& config, uint64_t seed) {
  if (dataset.groups().empty()) {
    throw config::Error("'data.split' is group, but the dataset has no groups",
                        "",
                        "set data.split: stratified, or import a dataset "
                        "with a group array");
  }
  std::set<int64_t> distinct(dataset.groups().begin(), dataset.groups().end());
  std::vector<int64_t> groups(distinct.begin(), distinct.end());
  Stream(seed, Purpose::kSplit).Shuffle(groups);
  std::vector<Side> sides = Sides(groups.size(), config);
  std::map<int64_t, Side> result;
  for (size_t i = 0; i < groups.size(); ++i) result[groups[i]] = sides[i];
  return result;
}

// Splits rows of one class, whose position among the classes is `position`.
class ClassSplitter {
 public:
  // Throws if the dataset lacks what `config` asks for.
  ClassSplitter(const data::Dataset& dataset, const Configuration& config,
                uint64_t seed)
      : dataset_(dataset), config_(config), seed_(seed) {
    const std::string kind = config.Choice("data.split");
    if (kind == "group") groups_ = GroupSides(dataset, config, seed);
    if (kind != "source") return;
    by_source_ = true;
    if (dataset.split().empty()) {
      throw config::Error(
          "'data.split' is source, but the dataset has no "
          "split of its own",
          "",
          "set data.split: stratified, or import a dataset "
          "that comes in parts");
    }
    has_validation_ =
        std::find(dataset.split().begin(), dataset.split().end(),
                  data::Side::kValidation) != dataset.split().end();
  }

  // Adds `rows` to `task`.
  void Split(uint32_t position, std::vector<int64_t> rows,
             TaskRows& task) const {
    std::vector<int64_t> train;
    auto add = [&](int64_t row, Side side) {
      (side == Side::kTrain  ? train
       : side == Side::kTest ? task.test
                             : task.validation)
          .push_back(row);
    };
    if (by_source_) {
      TakeSourceTest(rows, task);
    }
    if (by_source_ && has_validation_) {
      for (int64_t row : rows) {
        add(row, dataset_.split()[row] == data::Side::kTrain
                     ? Side::kTrain
                     : Side::kValidation);
      }
    } else if (!groups_.empty()) {
      for (int64_t row : rows) add(row, groups_.at(dataset_.groups()[row]));
    } else {
      Stream(seed_, Purpose::kSplit, position).Shuffle(rows);
      std::vector<Side> sides = Sides(rows.size(), config_);
      for (size_t i = 0; i < rows.size(); ++i) add(rows[i], sides[i]);
    }
    KeepTrainRows(position, std::move(train), task);
  }

 private:
  // Moves the source's test rows from `rows` to `task`.
  void TakeSourceTest(std::vector<int64_t>& rows, TaskRows& task) const {
    std::erase_if(rows, [&](int64_t row) {
      const bool is_test = dataset_.split()[row] == data::Side::kTest;
      if (is_test) task.test.push_back(row);
      return is_test;
    });
  }

  void KeepTrainRows(uint32_t position, std::vector<int64_t> train,
                     TaskRows& task) const {
    auto limit = static_cast<size_t>(config_.Integer("data.train_per_class"));
    if (limit > 0 && train.size() > limit) {
      std::sort(train.begin(), train.end());
      Stream(seed_, Purpose::kTrainSubset, position).Shuffle(train);
      train.resize(limit);
    }
    task.train.insert(task.train.end(), train.begin(), train.end());
  }

  const data::Dataset& dataset_;
  const Configuration& config_;
  uint64_t seed_;
  std::map<int64_t, Side> groups_;  // empty unless split by group
  bool by_source_ = false;
  bool has_validation_ = false;  // the source's split
};

void CheckClass(const data::Dataset& dataset, int64_t label,
                const TaskRows& task) {
  auto has = [&](const std::vector<int64_t>& rows) {
    return std::any_of(rows.begin(), rows.end(), [&](int64_t row) {
      return dataset.labels()[row] == label;
    });
  };
  bool train = has(task.train);
  if (train && has(task.test)) return;
  throw Failure(
      protocol::cause::kData,
      config::Error("class " + std::to_string(label) + " has no " +
                        (train ? "test" : "training") + " trace",
                    "split of the dataset",
                    "give the class more traces, make data.test_fraction or "
                    "data.validation_fraction smaller, or leave the class out "
                    "with tasks.labels"));
}

int64_t CountLeaks(const data::Dataset& dataset, const Split& split,
                   const Configuration& config) {
  const SeenRows seen(dataset, config);
  std::unordered_set<SeenRow, SeenRowHash> trained;
  for (const TaskRows& task : split.tasks) {
    for (int64_t row : task.train) trained.insert(seen(row));
  }
  int64_t leaks = 0;
  for (const TaskRows& task : split.tasks) {
    for (int64_t row : task.test) {
      leaks += trained.contains(seen(row)) ? 1 : 0;
    }
  }
  return leaks;
}

void AddWarnings(const data::Dataset& dataset, const Configuration& config,
                 int64_t usable_rows, Split& split) {
  int64_t length = config.Integer("sequence_length");
  if (dataset.kind() == data::Kind::kTraces && length > dataset.length()) {
    split.warnings.push_back("sequence_length is " + std::to_string(length) +
                             ", but the dataset's traces have at most " +
                             std::to_string(dataset.length()) +
                             " cells; the rest of the input is padding");
  }
  if (int64_t removed = dataset.size() - usable_rows; removed > 0) {
    split.warnings.push_back(std::to_string(removed) +
                             " duplicate traces were left out");
  }
  size_t used = 0;
  for (const TaskRows& task : split.tasks) used += task.labels.size();
  if (size_t left = dataset.classes().size() - used; left > 0) {
    split.warnings.push_back(std::to_string(left) +
                             " classes of the dataset belong to no task");
  }
  if (split.leaked_test_rows > 0) {
    split.warnings.push_back(
        std::to_string(split.leaked_test_rows) +
        " test traces are identical to training traces; set "
        "data.duplicates: remove, or cut less with sequence_length");
  }
}

}  // namespace

Split SplitDataset(const data::Dataset& dataset, const Configuration& config,
                   uint64_t seed) {
  std::vector<int64_t> usable = UsableRows(dataset, config);
  std::vector<std::vector<int64_t>> rows_of_class(dataset.classes().size());
  for (int64_t row : usable) {
    rows_of_class[OutputUnit(dataset, dataset.labels()[row])].push_back(row);
  }
  const ClassSplitter splitter(dataset, config, seed);
  auto rows_of = [&](std::vector<int64_t> labels) {
    TaskRows task;
    for (int64_t label : labels) {
      int64_t position = OutputUnit(dataset, label);
      splitter.Split(static_cast<uint32_t>(position), rows_of_class[position],
                     task);
      CheckClass(dataset, label, task);
    }
    task.labels = std::move(labels);
    for (auto* rows : {&task.train, &task.validation, &task.test}) {
      std::sort(rows->begin(), rows->end());
    }
    return task;
  };
  Split split;
  for (std::vector<int64_t>& labels : TaskLabels(dataset, config, seed)) {
    split.tasks.push_back(rows_of(std::move(labels)));
  }
  split.leaked_test_rows = CountLeaks(dataset, split, config);
  AddWarnings(dataset, config, static_cast<int64_t>(usable.size()), split);
  return split;
}

int64_t OutputUnit(const data::Dataset& dataset, int64_t label) {
  const std::vector<int64_t>& classes = dataset.classes();
  return std::lower_bound(classes.begin(), classes.end(), label) -
         classes.begin();
}

std::vector<int64_t> OutputUnits(const data::Dataset& dataset) {
  std::vector<int64_t> units;
  units.reserve(dataset.size());
  for (int64_t label : dataset.labels()) {
    units.push_back(OutputUnit(dataset, label));
  }
  return units;
}

}  // namespace dfsweep::model
