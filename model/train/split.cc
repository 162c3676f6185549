#include "model/train/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
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

// A row as the network sees it: cut. (Padding is the same for every row.)
std::string_view Seen(const data::Dataset& dataset, int64_t row,
                      int64_t length) {
  auto cells = dataset.row(row);
  return {reinterpret_cast<const char*>(cells.data()),
          static_cast<size_t>(std::min<int64_t>(length, cells.size()))};
}

std::vector<std::vector<int64_t>> TaskLabels(const data::Dataset& dataset,
                                             const Configuration& config) {
  const std::vector<int64_t>& classes = dataset.classes();
  std::vector<std::vector<int64_t>> tasks;
  if (config.Choice("tasks.split") == "labels") {
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
  int64_t count = config.Integer("tasks.count");
  auto total = static_cast<int64_t>(classes.size());
  if (count > total) {
    throw config::Error("'tasks.count' is " + std::to_string(count) +
                            ", but the dataset has only " +
                            std::to_string(total) + " classes",
                        "", "ask for at most that many tasks");
  }
  auto next = classes.begin();
  for (int64_t task = 0; task < count; ++task) {
    int64_t size = total / count + (task < total % count ? 1 : 0);
    tasks.emplace_back(next, next + size);
    next += size;
  }
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
  int64_t length = config.Integer("sequence_length");
  std::unordered_map<std::string_view, int64_t> first;
  std::set<int64_t> conflicting;  // first rows of groups
  for (int64_t row = 0; row < dataset.size(); ++row) {
    auto [found, is_new] = first.emplace(Seen(dataset, row, length), row);
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
  int64_t test = share("data.test_fraction");
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

// Adds the rows of one class, which is output unit `unit`, to its task.
void SplitClass(const data::Dataset& dataset, const Configuration& config,
                uint64_t seed, uint32_t unit,
                const std::map<int64_t, Side>& groups,
                std::vector<int64_t> rows, TaskRows& task) {
  std::vector<int64_t> train;
  auto add = [&](int64_t row, Side side) {
    (side == Side::kTrain  ? train
     : side == Side::kTest ? task.test
                           : task.validation)
        .push_back(row);
  };
  if (groups.empty()) {
    Stream(seed, Purpose::kSplit, unit).Shuffle(rows);
    std::vector<Side> sides = Sides(rows.size(), config);
    for (size_t i = 0; i < rows.size(); ++i) add(rows[i], sides[i]);
  } else {
    for (int64_t row : rows) add(row, groups.at(dataset.groups()[row]));
  }
  auto limit = static_cast<size_t>(config.Integer("data.train_per_class"));
  if (limit > 0 && train.size() > limit) {
    std::sort(train.begin(), train.end());
    Stream(seed, Purpose::kTrainSubset, unit).Shuffle(train);
    train.resize(limit);
  }
  task.train.insert(task.train.end(), train.begin(), train.end());
}

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
                   int64_t length) {
  std::unordered_set<std::string_view> trained;
  for (const TaskRows& task : split.tasks) {
    for (int64_t row : task.train) trained.insert(Seen(dataset, row, length));
  }
  int64_t leaks = 0;
  for (const TaskRows& task : split.tasks) {
    for (int64_t row : task.test) {
      leaks += trained.contains(Seen(dataset, row, length)) ? 1 : 0;
    }
  }
  return leaks;
}

void AddWarnings(const data::Dataset& dataset, const Configuration& config,
                 int64_t usable_rows, Split& split) {
  int64_t length = config.Integer("sequence_length");
  if (length > dataset.length()) {
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
  std::vector<std::vector<int64_t>> rows_of_unit(dataset.classes().size());
  for (int64_t row : usable) {
    rows_of_unit[OutputUnit(dataset, dataset.labels()[row])].push_back(row);
  }
  std::map<int64_t, Side> groups;
  if (config.Choice("data.split") == "group") {
    groups = GroupSides(dataset, config, seed);
  }
  Split split;
  for (std::vector<int64_t>& labels : TaskLabels(dataset, config)) {
    TaskRows task;
    for (int64_t label : labels) {
      int64_t unit = OutputUnit(dataset, label);
      SplitClass(dataset, config, seed, static_cast<uint32_t>(unit), groups,
                 rows_of_unit[unit], task);
      CheckClass(dataset, label, task);
    }
    task.labels = std::move(labels);
    for (auto* rows : {&task.train, &task.validation, &task.test}) {
      std::sort(rows->begin(), rows->end());
    }
    split.tasks.push_back(std::move(task));
  }
  split.leaked_test_rows =
      CountLeaks(dataset, split, config.Integer("sequence_length"));
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
