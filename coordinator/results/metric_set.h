#ifndef DFSWEEP_COORDINATOR_RESULTS_METRIC_SET_H_
#define DFSWEEP_COORDINATOR_RESULTS_METRIC_SET_H_

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dfsweep::coordinator {

// The final metrics of a trial, ordered by name. Sets may share names: those of
// a large sweep all have the same ten, and a copy of each name for each trial
// was most of their memory.
class MetricSet {
 public:
  using Name = std::shared_ptr<const std::string>;
  struct Metric {
    Name name;
    double value;
  };

  MetricSet() = default;
  MetricSet(
      std::initializer_list<std::pair<std::string_view, double>> metrics) {
    for (const auto& [name, value] : metrics) Set(name, value);
  }

  void Reserve(size_t count) { metrics_.reserve(count); }
  // `name` comes after all that there are.
  void Append(Name name, double value) {
    metrics_.push_back({std::move(name), value});
  }
  void Set(std::string_view name, double value) {
    const size_t place = PlaceOf(name);
    if (place == size() || *metrics_[place].name != name) {
      Metric metric{std::make_shared<const std::string>(name), 0};
      metrics_.insert(metrics_.begin() + place, std::move(metric));
    }
    metrics_[place].value = value;
  }

  std::optional<double> Find(std::string_view name) const {
    const size_t place = PlaceOf(name);
    if (place == size() || *metrics_[place].name != name) return std::nullopt;
    return metrics_[place].value;
  }

  bool empty() const { return metrics_.empty(); }
  size_t size() const { return metrics_.size(); }
  std::vector<Metric>::const_iterator begin() const { return metrics_.begin(); }
  std::vector<Metric>::const_iterator end() const { return metrics_.end(); }

 private:
  // Where it is, or would be.
  size_t PlaceOf(std::string_view name) const {
    return std::lower_bound(begin(), end(), name,
                            [](const Metric& metric, std::string_view wanted) {
                              return *metric.name < wanted;
                            }) -
           begin();
  }

  std::vector<Metric> metrics_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_METRIC_SET_H_
