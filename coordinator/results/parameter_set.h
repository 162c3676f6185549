#ifndef DFSWEEP_COORDINATOR_RESULTS_PARAMETER_SET_H_
#define DFSWEEP_COORDINATOR_RESULTS_PARAMETER_SET_H_

#include <algorithm>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dfsweep::coordinator {

// A trial's effective configuration, flat. It never changes; copies share it,
// and different ones may share members: a large sweep has a hundred thousand
// configurations that differ in one or two of thirty parameters, and building,
// comparing and freeing all values of each was most of the time of its table.
class ParameterSet {
 public:
  struct Member {
    std::string name;
    nlohmann::json value;
  };
  using Members = std::vector<const Member*>;  // ordered by name

  ParameterSet() : ParameterSet(Members(), nullptr) {}
  // `owner` is kept for as long as the set: what the members live in.
  ParameterSet(Members members, std::shared_ptr<const void> owner)
      : data_(std::make_shared<const Data>(
            Data{std::move(members), std::move(owner)})) {}
  ParameterSet(const nlohmann::json& object) {
    auto owned = std::make_shared<std::deque<Member>>();
    Members members;
    for (const auto& [name, value] : object.items()) {
      members.push_back(&owned->emplace_back(Member{name, value}));
    }
    *this = ParameterSet(std::move(members), std::move(owned));
  }
  ParameterSet(nlohmann::json::initializer_list_t members)
      : ParameterSet(nlohmann::json(members)) {}

  const Members& members() const { return data_->members; }

  // Null if the parameter has no effect. Lives as long as the set.
  const nlohmann::json* Find(std::string_view name) const {
    for (const Member* member : members()) {
      if (member->name == name) return &member->value;
    }
    return nullptr;
  }

  // A text; "" if it has no effect or is none.
  std::string_view Text(std::string_view name) const {
    const nlohmann::json* value = Find(name);
    if (value == nullptr || !value->is_string()) return "";
    return value->get_ref<const std::string&>();
  }

  // Quicker than ==: false says nothing about equality.
  bool IsSame(const ParameterSet& other) const { return data_ == other.data_; }
  bool operator==(const ParameterSet& other) const {
    return IsSame(other) ||
           std::equal(members().begin(), members().end(),
                      other.members().begin(), other.members().end(), AreEqual);
  }

 private:
  struct Data {
    Members members;
    std::shared_ptr<const void> owner;
  };

  static bool AreEqual(const Member* a, const Member* b) {
    return a == b || (a->name == b->name && a->value == b->value);
  }

  std::shared_ptr<const Data> data_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_PARAMETER_SET_H_
